package main

import (
	"fmt"
	"math"
	"sort"
)

// tokenViolations checks the promise that spans the locks of one node: its tokens are a strictly increasing counter.
//
// Such a history is linearizable exactly if no token was given out twice, and no grant that had returned before another
// was asked for has the greater token. Sorted by token, that is one pass from the back.
func tokenViolations(history []record) []string {
	byNode := map[string][]record{}
	for _, one := range history {
		if one.hasToken() {
			byNode[one.Node] = append(byNode[one.Node], one)
		}
	}
	var violations []string
	for _, grants := range byNode {
		sort.Slice(grants, func(a, b int) bool { return grants[a].Token < grants[b].Token })
		earliest := record{Return: new(int64)}
		*earliest.Return = math.MaxInt64
		for index := len(grants) - 1; index >= 0; index-- {
			one := grants[index]
			if index > 0 && grants[index-1].Token == one.Token {
				violations = append(violations, fmt.Sprintf("%s: token %s was given out twice: %s and %s",
					one.Node, describeToken(one.Token), one.describeHold(), grants[index-1].describeHold()))
			}
			if *earliest.Return < one.Call {
				violations = append(violations, fmt.Sprintf("%s: tokens decrease: %s got %s, and only later %s asked and got %s",
					one.Node, earliest.describeHold(), describeToken(earliest.Token), one.describeHold(), describeToken(one.Token)))
			}
			if *one.Return < *earliest.Return {
				earliest = one
			}
		}
	}
	sort.Strings(violations)
	return violations
}

func (r record) describeHold() string {
	return fmt.Sprintf("%s (%s)", r.Hold, r.Lock)
}
