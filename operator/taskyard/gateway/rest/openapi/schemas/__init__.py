"""The shapes of answers, for the OpenAPI document: nothing is made or checked with them while requests are answered.

Each field has an example, or an obvious one by its type; of those the examples of whole answers are made. Tests hold
the answers against these models, with no field unknown and none left out.
"""
