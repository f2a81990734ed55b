-- Health of a Task (taskyard.dev) for Argo CD, from the kstatus conditions: Reconciling and Stalled while they are
-- True, and Ready; a paused Task is told by Succeeded. README.md beside this file describes the installation.

local function condition_of(obj, kind)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, condition in ipairs(obj.status.conditions) do
      if condition.type == kind then
        return condition
      end
    end
  end
  return nil
end

-- The message explains the state; the reason before it is a term to search for.
local function told(condition, fallback)
  if condition == nil or condition.message == nil or condition.message == "" then
    return fallback
  end
  if condition.reason == nil or condition.reason == "" then
    return condition.message
  end
  return condition.reason .. ": " .. condition.message
end

local function health(status, message)
  return { status = status, message = message }
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "The Task is being deleted")
end

local status = obj.status
if status == nil or (status.observedGeneration or -1) < 1 then
  return health("Progressing", "Waiting for the operator to look at the Task")
end
-- The rest of the status describes an earlier spec.
if status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "Waiting for the operator to see the newest spec")
end

local stalled = condition_of(obj, "Stalled")
if stalled ~= nil and stalled.status == "True" then
  return health("Degraded", told(stalled, "The Task cannot continue"))
end
local reconciling = condition_of(obj, "Reconciling")
if reconciling ~= nil and reconciling.status == "True" then
  return health("Progressing", told(reconciling, "The workspace is changing"))
end
local ready = condition_of(obj, "Ready")
if ready == nil or ready.status ~= "True" then
  return health("Progressing", told(ready, "The Task is not ready yet"))
end

if status.phase == "Paused" then
  local succeeded = condition_of(obj, "Succeeded")
  -- Work that is done is no longer held up by the pause.
  if succeeded ~= nil and succeeded.status == "True" then
    return health("Healthy", told(succeeded, "The work is done"))
  end
  local message = ready.message or "The workspace is stopped"
  if status.pausedReason ~= nil then
    message = status.pausedReason .. ": " .. message
  end
  if succeeded ~= nil and succeeded.status == "False" then
    message = message .. " " .. told(succeeded, "The work has failed")
  end
  return health("Suspended", message)
end
local message = ready.message or "The agent is running"
if status.state ~= nil and status.state.state ~= nil then
  message = status.state.state
  if status.state.message ~= nil and status.state.message ~= "" then
    message = message .. ": " .. status.state.message
  end
end
return health("Healthy", message)
