"""The parts of the screens. Each takes a frame and draws it; none of them knows where frames come from."""
