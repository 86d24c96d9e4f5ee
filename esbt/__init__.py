"""esbt: a backtester for futures on one-minute bars, with a compiled core and machine learning in the loop."""
