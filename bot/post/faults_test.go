package post_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// TestNoFaultDoublesOrLosesANotice lets requests fail in every way at random
// and looks at the chats in the end: what must not be repeated was seen at most
// once, what counts as sent was seen, and nothing is left over.
func TestNoFaultDoublesOrLosesANotice(t *testing.T) {
	t.Parallel()

	kinds := []emulator.Fault{
		{Status: http.StatusTooManyRequests, RetryAfter: 1},
		{Status: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"},
		{Status: http.StatusInternalServerError},
		{Drop: emulator.DropBefore},
		{Drop: emulator.DropAfter},
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			dice := rand.New(rand.NewPCG(seed, 1))
			const rounds = 25
			for i := range rounds {
				if dice.IntN(2) == 0 {
					f := kinds[dice.IntN(len(kinds))]
					f.Method, f.Skip = "sendMessage", dice.IntN(2)
					o.tg.Inject(f)
				}
				kind := []string{"plain", "card"}[i%2]
				o.enqueue(t, 1, letter{fmt.Sprintf("%s-%d.", kind, i), kind, service.LaneDecision})
				o.sendAll(t)
				o.clock.move(7 * time.Second)
			}
			o.tg.ClearFaults()
			for range 20 {
				o.clock.move(10 * time.Minute)
				o.sendAll(t)
			}
			chat := strings.Join(texts(o.anna), "\n")
			for i, n := range o.notices(t) {
				kind := []string{"plain", "card"}[i%2]
				seen := strings.Count(chat, fmt.Sprintf("%s-%d.", kind, i))
				switch {
				case n.State == "sent" && seen == 0:
					t.Errorf("notice %d counts as sent and was not seen", i)
				case kind == "plain" && seen > 1:
					t.Errorf("notice %d was seen %d times", i, seen)
				case kind == "card" && n.State != "sent":
					t.Errorf("card %d ends as %s", i, n.State)
				case n.State != "sent" && n.State != "unknown":
					t.Errorf("notice %d ends as %s", i, n.State)
				}
			}
		})
	}
}
