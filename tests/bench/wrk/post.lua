-- One action, called over and over.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["x-rivet-encoding"] = "json"
wrk.headers["x-rivet-token"] = os.getenv("BENCH_TOKEN")
wrk.body = '{"args":[]}'
