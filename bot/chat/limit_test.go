package chat

import (
	"testing"
	"time"
)

// at is a moment of the tests' own clock.
func at(d time.Duration) time.Time {
	return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).Add(d)
}

// run lets what a caller would send go, one chat after another, for as long as
// the limits hold and returns how many went.
func run(l *limits, from, to time.Duration, bulk bool, chats func(i int) int64) int {
	sent := 0
	for now := from; now < to; {
		d := l.take(at(now), chats(sent), bulk, 1)
		if d == 0 {
			sent++
			continue
		}
		now += d
	}
	return sent
}

func everyChat(i int) int64 { return int64(i + 1) }

func TestRatesHoldOverAllChatsAndInOne(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name     string
		bulk     bool
		chats    func(int) int64
		min, max int // messages in ten seconds at 30 and 1 a second
	}{
		{"answers to many chats: the burst and 30 a second", false, everyChat, 320, 330},
		{"bulk to many chats leaves half of the burst", true, everyChat, 305, 315},
		{"answers in one chat: its burst and one a second", false, func(int) int64 { return 7 }, 12, 13},
		{"bulk in one chat leaves half of its burst", true, func(int) int64 { return 7 }, 10, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := run(newLimits(30, 1), 0, 10*time.Second, tt.bulk, tt.chats)
			if got < tt.min || got > tt.max {
				t.Errorf("%d messages in ten seconds, want %d to %d", got, tt.min, tt.max)
			}
		})
	}
}

func TestAnAnswerGoesAtOnceWhileBulkRunsAtFullRate(t *testing.T) {
	t.Parallel()

	l := newLimits(30, 1)
	for second := range 20 {
		from := time.Duration(second) * time.Second
		run(l, from, from+time.Second, true, func(i int) int64 { return int64(second*100 + i + 1) })
		for answer := range 10 {
			if d := l.take(at(from+time.Second), int64(-second*100-answer-1), false, 1); d != 0 {
				t.Fatalf("second %d: answer %d waits %s behind bulk", second, answer, d)
			}
		}
	}
}

func TestBulkWaitsWhileAnAnswerDoes(t *testing.T) {
	t.Parallel()

	l := newLimits(30, 1)
	l.answers = 1
	if l.take(at(0), 1, true, 1) == 0 {
		t.Error("bulk went although an answer waits")
	}
	l.answers = 0
	if l.take(at(0), 1, true, 1) != 0 {
		t.Error("bulk waits for nothing")
	}
}

func TestARefusalHoldsItsChatAndASecondOneTheBot(t *testing.T) {
	t.Parallel()

	l := newLimits(30, 1)
	l.hold(at(0), 1, 7*time.Second)
	if d := l.take(at(0), 1, false, 1); d != 7*time.Second {
		t.Errorf("the chat waits %s, want 7s", d)
	}
	if d := l.take(at(0), 2, false, 1); d != 0 {
		t.Errorf("another chat waits %s", d)
	}
	l.hold(at(time.Second), 2, 3*time.Second)
	if d := l.take(at(time.Second), 3, false, 1); d != 3*time.Second {
		t.Errorf("after refusals in two chats a third waits %s, want 3s", d)
	}
	if d := l.take(at(7*time.Second), 1, false, 1); d != 0 {
		t.Errorf("the first chat still waits %s", d)
	}
}

func TestQuietChatsAreForgotten(t *testing.T) {
	t.Parallel()

	l := newLimits(1e6, 1)
	for i := range 100_000 {
		l.take(at(time.Duration(i)*time.Millisecond), int64(i+1), false, 1)
	}
	if most := 20_001; len(l.chats) > most {
		t.Errorf("%d chats are kept, want at most those of two sweeps: %d", len(l.chats), most)
	}
}
