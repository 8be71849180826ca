raise RuntimeError("files that begin with _ are not read")
