"""What people and programs keep of a run: functions from a frame to text. Pure; the same live and replayed.

Where what is:

    of any run        text, json, json_schema, markdown, junit; html, html_data, html_shapes: the report
    parts of these    layout, judged, measured, staged, thresholds, curve
    of one command    compared, explained, limit, trial
    as Locust has it  locust_rows, locust_tables, locust_csv, locust_json, locust_log
"""
