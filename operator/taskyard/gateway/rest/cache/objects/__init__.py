"""What is kept of each kind: what responses need, as slotted values. Everything else of an object, above all its
annotations and managedFields, a version's Pod and the content of long inputs, is skipped or dropped as it arrives.

Texts that many objects have are one text in memory.
"""
