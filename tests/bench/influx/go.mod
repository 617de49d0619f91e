// Only `go build` in this folder reads it: no part of tsm2iox is written in Go.
module influx

go 1.19

require github.com/influxdata/influx-cli/v2 v2.3.0
