package chat

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// chatBurst is how many messages one chat takes at once before its rate holds.
// Telegram names no number ("short bursts that go over this limit" are
// tolerated, https://core.telegram.org/bots/faq); a card, its file and two
// notice must not wait for each other.
const chatBurst = 3

// sweepEvery bounds the memory of limits by chat: a chat that was quiet for
// chatBurst seconds equals one that was never seen.
const sweepEvery = 10 * time.Second

// limits keeps the messenger's rates, over all chats and in each. Answers go
// before bulk: bulk takes nothing while an answer waits, and leaves half of the
// burst to answers that come next.
type limits struct {
	mu       sync.Mutex
	all      *rate.Limiter
	chatRate rate.Limit
	burst    int
	chats    map[int64]*chatLimit
	held     time.Time // the whole bot is quiet until then
	lastHeld int64     // the chat that was told to wait last
	lastTill time.Time // until when
	answers  int       // answers that wait now
	swept    time.Time
}

type chatLimit struct {
	rate *rate.Limiter
	held time.Time // this chat is quiet until then
}

// newLimits takes messages a second, over all chats and in one.
func newLimits(all, chat float64) *limits {
	burst := max(int(all), 2)
	return &limits{
		all:      rate.NewLimiter(rate.Limit(all), burst),
		chatRate: rate.Limit(chat),
		burst:    max(chatBurst, int(chat)),
		chats:    map[int64]*chatLimit{},
	}
}

// wait returns when n messages to the chat may go. They are n in the rate over
// all chats and one in the chat's own: albums are tolerated there, and a
// refusal is obeyed.
func (l *limits) wait(ctx context.Context, chatID int64, bulk bool, n int) error {
	waiting := false
	defer func() {
		if waiting && !bulk {
			l.mu.Lock()
			l.answers--
			l.mu.Unlock()
		}
	}()
	for {
		d := l.take(time.Now(), chatID, bulk, n)
		if d == 0 {
			return ctx.Err()
		}
		if !waiting && !bulk {
			l.mu.Lock()
			l.answers++
			l.mu.Unlock()
		}
		waiting = true
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// take lets n messages go at now and returns 0, or takes nothing and returns
// after how long to ask again.
func (l *limits) take(now time.Time, chatID int64, bulk bool, n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	if d := l.held.Sub(now); d > 0 {
		return d
	}
	c := l.chats[chatID]
	if c == nil {
		c = &chatLimit{rate: rate.NewLimiter(l.chatRate, l.burst)}
		l.chats[chatID] = c
	}
	if d := c.held.Sub(now); d > 0 {
		return d
	}
	n = min(n, l.all.Burst()/2)
	need, chatNeed := float64(n), 1.0
	if bulk {
		need += float64(l.all.Burst()) / 2
		chatNeed += float64(l.burst) / 2
	}
	d := max(missing(l.all, now, need), missing(c.rate, now, chatNeed))
	if bulk && l.answers > 0 {
		d = max(d, 20*time.Millisecond)
	}
	if d > 0 {
		return d
	}
	l.all.AllowN(now, n)
	c.rate.AllowN(now, 1)
	return 0
}

// missing is how long it takes until the bucket holds need tokens.
func missing(r *rate.Limiter, now time.Time, need float64) time.Duration {
	lack := need - r.TokensAt(now)
	if lack <= 0 {
		return 0
	}
	return max(time.Duration(lack/float64(r.Limit())*float64(time.Second)), time.Millisecond)
}

// hold obeys a refusal: the chat is quiet for a while. The Bot API does not say
// whether the chat or the bot was too fast; a second chat that is told to wait
// while the first still does means the bot.
func (l *limits) hold(now time.Time, chatID int64, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	till := now.Add(after)
	c := l.chats[chatID]
	if c == nil {
		c = &chatLimit{rate: rate.NewLimiter(l.chatRate, l.burst)}
		l.chats[chatID] = c
	}
	if till.After(c.held) {
		c.held = till
	}
	if l.lastHeld != chatID && l.lastTill.After(now) && till.After(l.held) {
		l.held = till
	}
	l.lastHeld, l.lastTill = chatID, till
}

func (l *limits) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = now
	for id, c := range l.chats {
		if !c.held.After(now) && c.rate.TokensAt(now) >= float64(l.burst) {
			delete(l.chats, id)
		}
	}
}
