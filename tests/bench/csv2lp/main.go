// Command csv2lp converts a file of annotated CSV with the library behind
// `influx write --format csv`, and prints how many bytes of line protocol it became. It writes the
// lines nowhere: `influx write dryrun` makes a system call for each, which is not conversion.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/influxdata/influx-cli/v2/pkg/csv2lp"
)

func main() {
	written, err := convert(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(written)
}

func convert(path string) (int64, error) {
	response, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer response.Close()
	return io.Copy(io.Discard, csv2lp.CsvToLineProtocol(response))
}
