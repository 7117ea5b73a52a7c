package main

import (
	"math"
	"sort"
)

// overlapShare is the share of operations on which the order was not settled by time alone: those whose interval meets that
// of another client's operation on the same lock. Steps and faults are not counted, only acquisitions and releases.
func overlapShare(history []record) (counted, overlapping int) {
	type interval struct {
		client    int
		call, end int64
	}
	byLock := map[string][]interval{}
	for _, one := range history {
		if one.Op != opAcquire && one.Op != opRelease {
			continue
		}
		end := int64(math.MaxInt64)
		if one.Return != nil {
			end = *one.Return
		} else if one.Op == opRelease {
			continue // an open end overlaps with everything and would flatter the share
		}
		if one.Result == unknown {
			continue
		}
		lock := one.Node + " " + one.Lock
		byLock[lock] = append(byLock[lock], interval{one.Client, one.Call, end})
	}
	for _, intervals := range byLock {
		sort.Slice(intervals, func(a, b int) bool { return intervals[a].call < intervals[b].call })
		meets := make([]bool, len(intervals))
		for index, one := range intervals {
			for later := index + 1; later < len(intervals) && intervals[later].call <= one.end; later++ {
				if intervals[later].client != one.client {
					meets[index], meets[later] = true, true
				}
			}
		}
		counted += len(intervals)
		for _, does := range meets {
			if does {
				overlapping++
			}
		}
	}
	return counted, overlapping
}
