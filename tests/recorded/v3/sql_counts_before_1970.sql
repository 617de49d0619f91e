SELECT date_bin(INTERVAL '86400 seconds', time) AS slice, count("f") AS c0, count("g") AS c1 FROM "e" WHERE time >= '1969-01-01T00:00:00Z' AND time < '1971-01-01T00:00:00Z' GROUP BY 1 ORDER BY 1
