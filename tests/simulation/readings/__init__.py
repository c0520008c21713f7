"""A second reading of simple rules: plain Python over what is landed, without the models."""
