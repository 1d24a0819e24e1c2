-- The same action of many actors in turn; BENCH_PATHS separates them by commas.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["x-rivet-encoding"] = "json"
wrk.headers["x-rivet-token"] = os.getenv("BENCH_TOKEN")
wrk.body = '{"args":[]}'

local paths = {}
for path in string.gmatch(os.getenv("BENCH_PATHS"), "[^,]+") do
    paths[#paths + 1] = path
end

local sent = 0
function request()
    sent = sent + 1
    return wrk.format(nil, paths[sent % #paths + 1])
end
