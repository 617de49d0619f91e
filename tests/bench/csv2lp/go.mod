// Only `go build` in this folder reads it: no part of tsm2iox is written in Go.
module csv2lp

go 1.19

require github.com/influxdata/influx-cli/v2 v2.3.0

require golang.org/x/text v0.3.3 // indirect
