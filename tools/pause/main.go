// Command pause holds the namespaces of a pod in the test cluster: it does nothing until it is told to end, and, as the
// first process of the pod's process namespace, collects children that lost their parents.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const version = "pause 1.0"

func main() {
	printsVersion := flag.Bool("version", false, "print the version and end")
	flag.Parse()
	if *printsVersion {
		fmt.Println(version)
		return
	}
	events := make(chan os.Signal, 16)
	signal.Notify(events, syscall.SIGCHLD, syscall.SIGINT, syscall.SIGTERM)
	collectChildren() // of those that died before anybody listened
	for event := range events {
		if event != syscall.SIGCHLD {
			return
		}
		collectChildren()
	}
}

// collectChildren waits for all children that have ended; one SIGCHLD may stand for several.
func collectChildren() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
	}
}
