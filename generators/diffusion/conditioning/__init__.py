"""How masks steer the base model: hints, ControlNet, T2I-Adapter, and what a method trains and predicts."""
