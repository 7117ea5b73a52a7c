package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"
)

// The sequential specification of one lock: readers or one writer, each grant with a token above all before it, and a
// fence that accepts the steps of whoever holds the lock and of nobody else.
//
// A release is modelled as the permission to take the lock away: from then on the next grant that needs the lock evicts
// the holder. Nothing that a client can see distinguishes a release that has taken effect from one that has not, but a
// later grant; so a release that takes effect as late as possible allows every behaviour that an earlier one does, and
// the open end of a release whose sender died, or of a holder that was terminated, costs the search nothing.
type step struct {
	kind  stepKind
	hold  string
	write bool
	token int64
}

type stepKind int

const (
	grant stepKind = iota
	renew
	permitEviction
	useBegins
	useEnds
	useRefused
)

type holder struct {
	hold      string
	write     bool
	evictable bool
}

// lockState is never changed once made.
type lockState struct {
	// In order of their grants.
	holders []holder
	// Of all grants so far.
	highest int64
}

func lockModel() porcupine.Model {
	return porcupine.Model{
		Partition: partitionByLock,
		Init:      func() any { return lockState{} },
		Step: func(state, input, _ any) (bool, any) {
			return state.(lockState).apply(input.(lockStep).step)
		},
		Equal:             func(a, b any) bool { return a.(lockState).equals(b.(lockState)) },
		DescribeOperation: func(input, _ any) string { return input.(lockStep).describe() },
		DescribeState:     func(state any) string { return state.(lockState).describe() },
	}
}

// lockStep is what the search works on: a step, and the lock that it is about.
type lockStep struct {
	lock string
	step
}

func (s lockState) apply(next step) (bool, lockState) {
	switch next.kind {
	case grant:
		return s.grant(next)
	case renew:
		if next.token <= s.highest || s.find(next.hold) < 0 {
			return false, s
		}
		return true, lockState{holders: s.holders, highest: next.token}
	case permitEviction:
		return true, s.permitEviction(next.hold)
	case useBegins, useEnds:
		return s.find(next.hold) >= 0, s
	case useRefused:
		index := s.find(next.hold)
		return index < 0 || s.holders[index].evictable, s
	default:
		panic(fmt.Sprintf("there is no step %d", next.kind))
	}
}

func (s lockState) grant(next step) (bool, lockState) {
	if next.token <= s.highest || s.find(next.hold) >= 0 {
		return false, s
	}
	holders := make([]holder, 0, len(s.holders)+1)
	for _, other := range s.holders {
		conflicts := next.write || other.write
		if conflicts && !other.evictable {
			return false, s
		}
		if !conflicts {
			holders = append(holders, other)
		}
	}
	holders = append(holders, holder{hold: next.hold, write: next.write})
	return true, lockState{holders: holders, highest: next.token}
}

func (s lockState) permitEviction(hold string) lockState {
	index := s.find(hold)
	if index < 0 {
		return s
	}
	holders := append([]holder(nil), s.holders...)
	holders[index].evictable = true
	return lockState{holders: holders, highest: s.highest}
}

func (s lockState) find(hold string) int {
	for index, one := range s.holders {
		if one.hold == hold {
			return index
		}
	}
	return -1
}

func (s lockState) equals(other lockState) bool {
	if s.highest != other.highest || len(s.holders) != len(other.holders) {
		return false
	}
	for index, one := range s.holders {
		if one != other.holders[index] {
			return false
		}
	}
	return true
}

func (s lockState) describe() string {
	if len(s.holders) == 0 {
		return fmt.Sprintf("free (highest token %s)", describeToken(s.highest))
	}
	var parts []string
	for _, one := range s.holders {
		part := modeRead
		if one.write {
			part = modeWrite
		}
		part += " " + one.hold
		if one.evictable {
			part += " (may be gone)"
		}
		parts = append(parts, part)
	}
	return fmt.Sprintf("%s (highest token %s)", strings.Join(parts, ", "), describeToken(s.highest))
}

func (s lockStep) describe() string {
	mode := modeRead
	if s.write {
		mode = modeWrite
	}
	switch s.kind {
	case grant:
		return fmt.Sprintf("%s: %s %s → %s", s.lock, mode, s.hold, describeToken(s.token))
	case renew:
		return fmt.Sprintf("%s: %s → %s", s.lock, s.hold, describeToken(s.token))
	case permitEviction:
		return fmt.Sprintf("%s: %s releases", s.lock, s.hold)
	case useBegins:
		return fmt.Sprintf("%s: step of %s begins (%s)", s.lock, s.hold, describeToken(s.token))
	case useEnds:
		return fmt.Sprintf("%s: step of %s ends", s.lock, s.hold)
	default:
		return fmt.Sprintf("%s: step of %s is refused (%s)", s.lock, s.hold, describeToken(s.token))
	}
}

// describeToken shows epoch and sequence: a token is epoch·2^31 + sequence.
func describeToken(token int64) string {
	return fmt.Sprintf("%d.%d", token>>31, token&(1<<31-1))
}

// partitionByLock is sound because linearizability is local: every step is about one lock.
func partitionByLock(history []porcupine.Operation) [][]porcupine.Operation {
	byLock := map[string][]porcupine.Operation{}
	for _, operation := range history {
		lock := operation.Input.(lockStep).lock
		byLock[lock] = append(byLock[lock], operation)
	}
	locks := make([]string, 0, len(byLock))
	for lock := range byLock {
		locks = append(locks, lock)
	}
	sort.Strings(locks)
	partitions := make([][]porcupine.Operation, 0, len(locks))
	for _, lock := range locks {
		partitions = append(partitions, byLock[lock])
	}
	return partitions
}
