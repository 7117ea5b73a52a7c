package main

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	linearizable    = "linearizable"
	notLinearizable = "not linearizable"
	undecided       = "undecided"
)

type verdict struct {
	Verdict string `json:"verdict"`
	// Violations say in words what cannot be; empty when linearizable.
	Violations []string `json:"violations"`
	// Operations that the search ordered, and how many locks they were about.
	Operations int `json:"operations"`
	Locks      int `json:"locks"`
	// Counted acquisitions and releases, and how many of them overlapped with another client's on the same lock.
	Counted     int `json:"counted"`
	Overlapping int `json:"overlapping"`
	// SearchMs is how long the search took, in milliseconds.
	SearchMs int64 `json:"searchMs"`
}

func check(history []record, limit time.Duration, html string) (verdict, error) {
	operations := operationsOf(history)
	model := lockModel()
	start := time.Now()
	result, info := porcupine.CheckOperationsVerbose(model, operations, limit)
	searched := time.Since(start)

	found := verdict{
		Verdict:    linearizable,
		Violations: tokenViolations(history),
		Operations: len(operations),
		Locks:      len(partitionByLock(operations)),
		SearchMs:   searched.Milliseconds(),
	}
	found.Counted, found.Overlapping = overlapShare(history)
	switch {
	case result == porcupine.Illegal:
		found.Violations = append(found.Violations, illegalLocks(model, operations, info)...)
	case result == porcupine.Unknown:
		found.Verdict = undecided
		found.Violations = append(found.Violations, fmt.Sprintf(
			"the search did not end within %v: check a shorter history, or allow more time with -timeout", limit))
	}
	if result == porcupine.Illegal || len(found.Violations) > 0 && result != porcupine.Unknown {
		found.Verdict = notLinearizable
	}
	if found.Violations == nil {
		found.Violations = []string{}
	}
	if html == "" {
		return found, nil
	}
	info.AddAnnotations(faultsOf(history))
	return found, porcupine.VisualizePath(model, info, html)
}

// illegalLocks tells, for each lock whose history has no order, how far the search got and which step did not fit.
func illegalLocks(model porcupine.Model, operations []porcupine.Operation, info porcupine.LinearizationInfo) []string {
	var violations []string
	partials := info.PartialLinearizationsOperations()
	for index, partition := range partitionByLock(operations) {
		longest := longestOf(partials[index])
		if len(longest) == len(partition) {
			continue
		}
		state := model.Init()
		ordered := map[lockStep]bool{}
		for _, operation := range longest {
			_, state = model.Step(state, operation.Input, operation.Output)
			ordered[operation.Input.(lockStep)] = true
		}
		stuck := firstToReturn(partition, ordered)
		violations = append(violations, fmt.Sprintf("%s; no order of the %d steps on this lock allows that: after %d of them it is %s",
			stuck.describe(), len(partition), len(longest), state.(lockState).describe()))
	}
	return violations
}

func longestOf(partials [][]porcupine.Operation) []porcupine.Operation {
	var longest []porcupine.Operation
	for _, one := range partials {
		if len(one) > len(longest) {
			longest = one
		}
	}
	return longest
}

// firstToReturn finds the step that had to be ordered next, and could not be.
func firstToReturn(partition []porcupine.Operation, ordered map[lockStep]bool) lockStep {
	var first *porcupine.Operation
	for index := range partition {
		one := &partition[index]
		if !ordered[one.Input.(lockStep)] && (first == nil || one.Return < first.Return) {
			first = one
		}
	}
	if first == nil {
		return partition[len(partition)-1].Input.(lockStep)
	}
	return first.Input.(lockStep)
}

func faultsOf(history []record) []porcupine.Annotation {
	var annotations []porcupine.Annotation
	for _, one := range history {
		if one.Op == opFault {
			end := one.Call
			if one.Return != nil {
				end = *one.Return
			}
			annotations = append(annotations, porcupine.Annotation{
				Tag: "faults", Start: one.Call, End: end, Description: one.Label, BackgroundColor: "#ffb3b3",
			})
		}
	}
	return annotations
}
