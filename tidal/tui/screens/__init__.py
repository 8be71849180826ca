"""The screens: the dashboard, the start form, and the small questions in between."""
