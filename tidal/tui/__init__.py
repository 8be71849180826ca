"""The terminal: one dashboard for live runs and replays, and the form that starts a run.

    app        TidalApp: screens, steering, quitting with an outcome
    feed       what the app needs from the outside: a feed of frames, an operator, a starter
    text       figures and outside text, made fit for a cell
    look       glyphs, tones and themes, with an ASCII fallback
    screens/   dashboard, start form, the small questions
    widgets/   run header, tab bar, chart, grid, the tables, scrubber

Screens get frames and nothing else. This is the one home of Textual and Rich.
"""
