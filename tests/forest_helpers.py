"""Parameters of the small models that the forest tests train."""

F = 6
LGB = {"verbose": -1, "num_leaves": 15, "min_data_in_leaf": 5, "num_threads": 1, "deterministic": True}
XGB = {"max_depth": 5, "nthread": 1, "eta": 0.3}
