package stagetest

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// Alike holds that nobody can tell cases apart by the time that they take: the medians of samples stay within a part (10: a tenth) of the
// lowest one. measure runs one sample of a case and calls timed around what is looked at. Cases are taken in turns, so that a busy machine
// is equally busy for all; what else runs there blurs what a clock says, so each round adds samples, and where the clock disagrees the CPU
// time of the thread decides (security case 20).
func Alike(t testing.TB, cases, samples, part int, measure func(n int, timed func(func()))) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wall, cpu := make([][]time.Duration, cases), make([][]time.Duration, cases)
	const rounds = 6
	for round := 1; ; round++ {
		for range samples {
			for n := range cases {
				measure(n, func(fn func()) {
					used, start := threadTime(), time.Now()
					fn()
					wall[n] = append(wall[n], time.Since(start))
					cpu[n] = append(cpu[n], threadTime()-used)
				})
			}
		}
		byClock, clock := alike(wall, part)
		byCPU, used := alike(cpu, part)
		if byClock || byCPU {
			t.Logf("round %d: medians by the clock %v, of CPU %v", round, clock, used)
			return
		}
		if round == rounds {
			t.Fatalf("medians by the clock %v, of CPU %v", clock, used)
		}
	}
}

func alike(times [][]time.Duration, part int) (bool, []time.Duration) {
	medians := make([]time.Duration, len(times))
	for i := range times {
		slices.Sort(times[i])
		medians[i] = times[i][len(times[i])/2]
	}
	low, high := slices.Min(medians), slices.Max(medians)
	return low > 0 && high-low <= low/time.Duration(part), medians
}
