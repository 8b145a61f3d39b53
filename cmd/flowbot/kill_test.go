package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The beginnings that conversations share.
var (
	generated = []step{
		say("partner", "Сгенерировать акт"), press("partner", "Готово"), press("partner", "Сгенерировать акт"),
	}
	sent = slices.Concat(generated, []step{
		press("partner", "Журнал и скриншоты"), send("partner", "журнал.pdf"), send("partner", "лист.png"),
		press("partner", "Готово"), press("partner", "Отправить на согласование"),
	})
	taken = slices.Concat(sent, []step{say("operator", "Следующий"), press("operator", "Взять на проверку")})
)

// conversations are the scripts: what comes before is played without a kill, then
// a kill follows every step.
var conversations = []struct {
	name          string
	before, steps []step
}{
	{"an act for chosen learners", nil, []step{
		say("partner", "/tasks"), press("partner", "Сгенерировать акт"), press("partner", "✓ Слушатель2 Иван"), press("partner", "Снять всех"),
		press("partner", "○ Слушатель1 Иван"), press("partner", "○ Слушатель3 Иван"), press("partner", "Готово"), press("partner", "Сгенерировать акт"),
	}},
	{"a package", generated, []step{
		press("partner", "Журнал и скриншоты"), send("partner", "журнал.pdf"), send("partner", "один.png", "два.png", "три.png"),
		send("partner", "снимок"), press("partner", "Убрать 2"), press("partner", "Готово"), press("partner", "Назад"),
		press("partner", "Готово"), press("partner", "Отправить на согласование"),
	}},
	{"a package out of the blue", generated, []step{
		send("partner", "журнал.pdf"), send("partner", "один.png", "два.png"), press("partner", "Отмена"), press("partner", "Журнал и скриншоты"),
		say("partner", "Готово"), press("partner", "Отправить на согласование"),
	}},
	{"a cancellation", generated, []step{
		press("partner", "Отменить акт"), say("partner", "Не тот поток"),
	}},
	{"an act made anew", generated, []step{
		press("partner", "Перегенерировать акт"), press("partner", "✓ Слушатель4 Иван"), press("partner", "Готово"), press("partner", "Перегенерировать акт"),
	}},
	{"a rejection and the next version", sent, []step{
		say("operator", "Следующий"), press("operator", "Взять на проверку"), press("operator", "Отклонить"), say("operator", "Нет подписи на листе 2"),
		press("partner", "Заменить журнал"), press("partner", "Убрать журнал"), send("partner", "новый.pdf"), press("partner", "Готово"),
		press("partner", "Отправить на согласование"),
	}},
	{"an approval", taken, []step{
		press("operator", "Снять с себя"), press("operator", "Взять на проверку"), press("operator", "Согласовать"), press("partner", "История"),
	}},
	{"a search", sent, []step{
		press("operator", "Найти по номеру"), say("operator", "118"),
	}},
	{"an invitation", nil, []step{
		say("partner", "Пригласить"), say("partner", "Громов Павел Ильич"), follow("colleague", "partner"),
	}},
	{"an import", nil, []step{send("operator", "потоки.xlsx")}},
	{"an archive", taken, []step{press("operator", "Скачать пакет"), press("operator", "Скачать журнал и скриншоты")}},
}

// act plays a script. Where says for a step when the process dies: at which of
// its requests, before that reaches its goal or after; 0 is after all is done,
// -1 never. It returns how many requests each step took.
func (p *play) act(before, steps []step, where func(step int) (at int, before bool)) []int {
	p.t.Helper()
	p.begin()
	// Nobody can be written to who has not written first.
	for _, s := range slices.Concat([]step{say("operator", "/start"), say("partner", "/start")}, before) {
		p.do(s)
		p.settle(nil)
	}
	var counts []int
	for n, s := range steps {
		at, early := where(n)
		sprung := p.trap.setOn(p.fatal, p.serve, max(at, 0), early)
		p.do(s)
		died := p.settle(sprung)
		counts = append(counts, p.trap.count())
		if at < 0 {
			continue
		}
		if !died {
			p.serve.kill()
		}
		p.trap.set(nil, 0, false)
		p.begin()
		if died {
			p.settle(nil)
		}
	}
	return counts
}

func (p *play) do(s step) {
	p.t.Helper()
	if err := s.do(p); err != nil {
		p.t.Fatalf("%s: %v\n%s", s.name, err, p.serve.err)
	}
}

// rounds is how often each conversation is played with kills at random moments.
var rounds = flag.Uint64("rounds", 2, "plays of each conversation with kills at random moments")

func TestConversationsSurviveKill(t *testing.T) {
	t.Parallel()
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			surviveKill(t, c.name, newPlay, c.before, c.steps)
		})
	}
}

// says tells the requests that show something to somebody: what came before them
// is done and written down.
func says(method string) bool {
	return strings.HasPrefix(method, "send") || strings.HasPrefix(method, "edit")
}

// surviveKill plays a conversation without kills and with them, in a new
// installation each, and compares where they end.
func surviveKill(t *testing.T, name string, made func(*testing.T) *play, before, steps []step) {
	t.Helper()
	p := made(t)
	counts := p.act(before, steps, func(int) (int, bool) { return -1, false })
	p.checkFiles()
	p.checkPrinted()
	want, shown := p.rest(), p.views()
	check := func(t *testing.T, made func(*testing.T) *play, where func(int) (int, bool)) {
		t.Helper()
		p := made(t)
		p.act(before, steps, where)
		p.checkFiles()
		p.checkPrinted()
		if diff := cmp.Diff(want, p.rest()); diff != "" {
			t.Errorf("it ends elsewhere (-without kills +with them):\n%s\n%s", diff, p.printed())
		}
		// What may not be sent twice, and may have been, is missed by nobody but whom
		// it was for: that it is shown is the subject of other tests.
		if lost := p.rows(`SELECT kind FROM notices WHERE state = 'unknown'`); len(lost) > 0 {
			return
		}
		if diff := cmp.Diff(shown, p.views()); diff != "" {
			t.Errorf("it looks different (-without kills +with them):\n%s\n%s", diff, p.printed())
		}
	}
	t.Run("killed after each answer", func(t *testing.T) {
		t.Parallel()
		check(t, made, func(int) (int, bool) { return 0, false })
	})
	t.Run("killed before each answer is said", func(t *testing.T) {
		t.Parallel()
		saying := func(t *testing.T) *play {
			t.Helper()
			p := made(t)
			p.fatal = says
			return p
		}
		check(t, saying, func(int) (int, bool) { return 1, true })
	})
	for seed := range *rounds {
		t.Run(fmt.Sprintf("killed on the way to each answer, %d", seed), func(t *testing.T) {
			t.Parallel()
			h := fnv.New64()
			h.Write([]byte(name))
			random := rand.New(rand.NewPCG(h.Sum64(), seed))
			check(t, made, func(n int) (int, bool) { return 1 + random.IntN(max(1, counts[n])), random.IntN(2) == 0 })
		})
	}
}
