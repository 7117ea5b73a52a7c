// Command lock-checker reads a history of the lock service and tells whether it is linearizable.
//
//	lock-checker [-timeout 2m] [-html picture.html] history.jsonl
//
// It prints one JSON object (see verdict) and exits with 0 when the history is linearizable, 1 when it is not, 2 when it
// cannot be read, and 3 when the search did not end in time.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

// version is the one that the tool catalog names.
const version = "1.0"

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "lock-checker: %v\n", err)
		os.Exit(2)
	}
	os.Exit(status)
}

func run(arguments []string) (int, error) {
	flags := flag.NewFlagSet("lock-checker", flag.ContinueOnError)
	limit := flags.Duration("timeout", 2*time.Minute, "give the search up after this")
	html := flags.String("html", "", "write Porcupine's picture of the history here")
	showVersion := flags.Bool("version", false, "print the version")
	if err := flags.Parse(arguments); err != nil {
		return 2, err
	}
	if *showVersion {
		fmt.Println("lock-checker " + version)
		return 0, nil
	}
	if flags.NArg() != 1 {
		return 2, errors.New("name one file with a history, a JSON object a line")
	}
	file, err := os.Open(flags.Arg(0))
	if err != nil {
		return 2, err
	}
	defer file.Close()
	history, err := readHistory(file)
	if err != nil {
		return 2, fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	found, err := check(history, *limit, *html)
	if err != nil {
		return 2, err
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		return 2, err
	}
	return map[string]int{linearizable: 0, notLinearizable: 1, undecided: 3}[found.Verdict], nil
}
