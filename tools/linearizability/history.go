package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// record is one line of a history. Times are nanoseconds of one monotonic clock; a missing Return means that the end of
// the operation was never seen.
type record struct {
	Op     string `json:"op"`
	Client int    `json:"client"`
	// Hold names whose possession of the lock this is, from its acquisition to its release; at most one per lock. It stays
	// the same when a recovery of the lock service renews the token.
	Hold   string `json:"hold"`
	Node   string `json:"node"`
	Lock   string `json:"lock"`
	Mode   string `json:"mode"`
	Call   int64  `json:"call"`
	Return *int64 `json:"return"`
	Result string `json:"result"`
	Token  int64  `json:"token"`
	// Label says what a fault was.
	Label string `json:"label"`
}

const (
	opAcquire = "acquire" // result: granted, refused or unknown
	opRenew   = "renew"   // the holder learnt of a new token for what it holds already
	opUse     = "use"     // a step at the fence; result: accepted or refused
	opRelease = "release" // the holder gives the lock back, or its run was closed by somebody: from `call` on it may be gone
	opFault   = "fault"   // for the picture only

	granted  = "granted"
	refused  = "refused"
	unknown  = "unknown"
	accepted = "accepted"

	modeRead  = "read"
	modeWrite = "write"
)

// lineBytesMax is far above any real line; bufio's own limit of 64 KiB would do, but its error would not say which line.
const lineBytesMax = 1 << 20

func readHistory(input io.Reader) ([]record, error) {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, lineBytesMax)
	var records []record
	for number := 1; lines.Scan(); number++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var one record
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("line %d is not JSON of a history: %w", number, err)
		}
		if err := one.validate(); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		records = append(records, one)
	}
	return records, lines.Err()
}

func (r record) validate() error {
	results := map[string][]string{
		opAcquire: {granted, refused, unknown},
		opUse:     {accepted, refused},
		opRenew:   {""},
		opRelease: {""},
		opFault:   {""},
	}[r.Op]
	if results == nil {
		return fmt.Errorf("there is no operation %q", r.Op)
	}
	if !contains(results, r.Result) {
		return fmt.Errorf("%s cannot have result %q", r.Op, r.Result)
	}
	if r.Return != nil && *r.Return < r.Call {
		return fmt.Errorf("%s returns before it is called", r.Op)
	}
	if r.Op == opFault {
		return nil
	}
	if r.Hold == "" || r.Lock == "" || r.Node == "" {
		return fmt.Errorf("%s needs a hold, a lock and a node", r.Op)
	}
	if r.Op == opAcquire && r.Mode != modeRead && r.Mode != modeWrite {
		return fmt.Errorf("a lock is acquired for %s or %s, not %q", modeRead, modeWrite, r.Mode)
	}
	if r.hasToken() && (r.Token <= 0 || r.Return == nil) {
		return fmt.Errorf("%s with a result needs a token and a return", r.Op)
	}
	return nil
}

// hasToken tells whether the record proves that the lock service gave out a token.
func (r record) hasToken() bool {
	return r.Op == opRenew || r.Op == opAcquire && r.Result == granted
}

func contains(list []string, wanted string) bool {
	for _, one := range list {
		if one == wanted {
			return true
		}
	}
	return false
}
