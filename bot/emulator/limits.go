package emulator

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits are the rates of sending, in messages a second and the number that
// may come at once; a rate of 0 is no limit.
type Limits struct {
	Overall      float64 // to all chats together
	OverallBurst int
	PerChat      float64
	ChatBurst    int
	PerGroup     float64 // to one group
	GroupBurst   int
}

// RealLimits are those of Telegram: about 30 messages a second overall, 1 a
// second in a chat with short bursts tolerated, 20 a minute in a group. Source:
// Telegram, Bots FAQ, "My bot is hitting limits". The size of a tolerated burst
// is not documented: 3 is a cautious guess.
func RealLimits() Limits {
	return Limits{Overall: 30, OverallBurst: 30, PerChat: 1, ChatBurst: 3, PerGroup: 20.0 / 60, GroupBurst: 20}
}

// bucket is a token bucket.
type bucket struct {
	tokens float64
	at     time.Time
}

// wait tells how long until the bucket holds n tokens.
func (b *bucket) wait(now time.Time, rate float64, burst int, n float64) time.Duration {
	size := math.Max(float64(burst), n)
	if b.at.IsZero() {
		b.tokens = size
	} else {
		b.tokens = math.Min(size, b.tokens+now.Sub(b.at).Seconds()*rate)
	}
	b.at = now
	if b.tokens >= n {
		return 0
	}
	return time.Duration((n - b.tokens) / rate * float64(time.Second))
}

// limiter keeps a bucket for each chat that was written to in the last minutes.
type limiter struct {
	Limits
	all    bucket
	chats  map[int64]*bucket
	pruned time.Time
}

func newLimiter(l Limits) limiter { return limiter{Limits: l, chats: map[int64]*bucket{}} }

// take counts a call that sends or edits; the answer is a 429 when it is too
// much, and then nothing is counted.
func (l *limiter) take(now time.Time, c *call) error {
	sends := strings.HasPrefix(c.shape.name, "send") && c.shape.name != "sendChatAction" || c.shape.name == "copyMessage"
	if !sends && !strings.HasPrefix(c.shape.name, "editMessage") {
		return nil
	}
	n := 1.0
	if c.shape.name == "sendMediaGroup" {
		n = math.Max(1, float64(strings.Count(c.args["media"], `"media"`)))
	}
	var wait time.Duration
	if l.Overall > 0 {
		wait = l.all.wait(now, l.Overall, l.OverallBurst, n)
	}
	id := c.chat()
	rate, burst := l.PerChat, l.ChatBurst
	if id < 0 {
		rate, burst = l.PerGroup, l.GroupBurst
	}
	var one *bucket
	if rate > 0 && sends {
		l.prune(now)
		if one = l.chats[id]; one == nil {
			one = &bucket{}
			l.chats[id] = one
		}
		// An album counts as one message in its chat.
		wait = max(wait, one.wait(now, rate, burst, 1))
	}
	if wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		return &apiError{
			code: http.StatusTooManyRequests, retryAfter: seconds,
			description: "Too Many Requests: retry after " + strconv.Itoa(seconds),
		}
	}
	l.all.tokens -= n
	if one != nil {
		one.tokens--
	}
	return nil
}

// prune forgets chats that were quiet for long enough to have a full bucket.
func (l *limiter) prune(now time.Time) {
	if now.Sub(l.pruned) < time.Minute {
		return
	}
	l.pruned = now
	for id, b := range l.chats {
		if now.Sub(b.at) > 5*time.Minute {
			delete(l.chats, id)
		}
	}
}
