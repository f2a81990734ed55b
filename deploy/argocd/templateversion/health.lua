-- Health of a TemplateVersion (taskyard.dev) for Argo CD: the condition Valid.

if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Valid" then
      if condition.status == "True" then
        return { status = "Healthy", message = condition.message }
      end
      if condition.status == "False" then
        return { status = "Degraded", message = condition.message }
      end
      return { status = "Progressing", message = condition.message }
    end
  end
end
return { status = "Progressing", message = "Waiting for the operator to check the version" }
