"""Which notifications of a Task a sink is due, and what they say: pure rules of plain values.

`task_view` and `sink_view` are what is kept of the objects, `record` is what a Task's status says that a sink was told,
`due` compares the three, `selection` says since when a sink wants to know, `waiting` when it is told no more, `texts`
is the catalogue of texts, and `payload` makes the data of a CloudEvent.
"""
