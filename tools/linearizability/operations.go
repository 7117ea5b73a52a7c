package main

import "github.com/anishathalye/porcupine"

// operationsOf turns a history into what the search works on.
//
// What constrains nothing is left out: an acquisition that was refused held nothing that anybody could see, and one
// whose outcome is unknown may have taken effect at any later time or never, without a step to show for it (an acquisition
// with a step at the fence is known).
func operationsOf(history []record) []porcupine.Operation {
	type possession struct{ hold, node, lock string }
	seenHeld := map[possession]int64{}
	for _, one := range history {
		if one.Op == opAcquire && one.Result == granted {
			seenHeld[possession{one.Hold, one.Node, one.Lock}] = *one.Return
		}
	}
	var operations []porcupine.Operation
	add := func(one record, kind stepKind, call, end int64) {
		operations = append(operations, porcupine.Operation{
			ClientId: one.Client,
			Input: lockStep{
				lock: one.Node + " " + one.Lock,
				step: step{kind: kind, hold: one.Hold, write: one.Mode == modeWrite, token: one.Token},
			},
			Call:   call,
			Return: end,
		})
	}
	for _, one := range history {
		switch {
		case one.Op == opAcquire && one.Result == granted:
			add(one, grant, one.Call, *one.Return)
		case one.Op == opRenew:
			add(one, renew, one.Call, *one.Return)
		case one.Op == opRelease:
			// Where the grant was seen only after the holder had been terminated, it still came first.
			add(one, permitEviction, one.Call, max(one.Call, seenHeld[possession{one.Hold, one.Node, one.Lock}]))
		case one.Op == opUse && one.Result == refused:
			add(one, useRefused, one.Call, one.Call)
		case one.Op == opUse:
			// The fence is one process with the clock: a step begins and ends at points in time.
			add(one, useBegins, one.Call, one.Call)
			if one.Return != nil {
				add(one, useEnds, *one.Return, *one.Return)
			}
		}
	}
	return operations
}
