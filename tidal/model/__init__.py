"""The pure core: no I/O, no clock, no randomness, no thread. Time is handed in.

The way of a run through it: plan → (batch → report →) entry → fold → state → decide, frame. Where what is:

    entries and their bytes    envelopes, events, commands, observations, reports, intents, spec, spans, samples,
                               codec, wire, struct, chain, files
    texts                      text, words, pattern, redact, masking
    figures                    stats, each, measured, metrics, series, lanes, dated, delays, window,
                               packed, stacked, sent, unread, unmade
    from generator to log      pipe, gather, loglines, intervals, outbox, clock, tenant, ticketing
    the load                   plan, planning, plantext, target, steering, arrivals,
                               sharing, members, capacity, queueing, feed, leases, tickets
    the fold                   state, fold, phases, fresh, counting, belief, failures, health, held, ledger,
                               arrivalbook, paces, staged, watched
    what a master decides      decide, senses, attendance, liveness, inbox, answers, seeking, limit, closing
    what is to be believed     verdict, findings, strain, spikes,
                               thresholds, thresholds_read, threshold_measures, judging, rejudge
    what is shown              frame, rows, cells, judged_rows, measured_rows, own_rows, threshold_rows, limit_lines,
                               closeup, zoom, story, telling, terms, view, trial
    once it is over            explain, changes, segments, compare, students, cuts, acts, checked
"""
