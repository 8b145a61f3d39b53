package bot_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"flowbot/bot"
	"flowbot/bot/emulator"
	"flowbot/service"
)

func TestAPressComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, id := range []int64{0, 1, -1, 35, 36, math.MaxInt64, math.MinInt64} {
		for _, version := range []int{0, 1, -1, math.MaxInt32, math.MinInt32} {
			want := bot.Press{Do: "abc", ID: id, Version: version}
			data := want.Data()
			if len(data) > 64 {
				t.Errorf("%+v takes %d bytes", want, len(data))
			}
			got, err := bot.ParsePress(data)
			if err != nil || got != want {
				t.Errorf("%q is %+v, %v; want %+v", data, got, err, want)
			}
		}
	}
}

func FuzzParsePress(f *testing.F) {
	for _, seed := range []string{
		"", ":", "::", "ag:1:0", "rt:zz:3", "ra:-1:-1", "qq:0:0:0", "ag:1z141z4p1e0q:0", "ag:9999999999999999:0", "ag:+1:0",
		"ag:1:99999999", "Ж:1:1", "a g:1:1", "\x00:\x00:\x00", strings.Repeat("a", 65), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1:1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		p, err := bot.ParsePress(data)
		if err != nil {
			if p != (bot.Press{}) {
				t.Errorf("%q gives %+v beside %v", data, p, err)
			}
			return
		}
		if len(data) > 64 || p.Do == "" {
			t.Errorf("%q is taken as %+v", data, p)
		}
		again, err := bot.ParsePress(p.Data())
		if err != nil || again != p {
			t.Errorf("%q is %+v, then %+v, %v", data, p, again, err)
		}
	})
}

func TestButtonsHaveWordsOfTheirOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, code := range d.bot.Codes() {
		if n := len(code); n < 2 || n > 3 {
			t.Errorf("the code %q has %d letters", code, n)
		}
	}
	if len(d.bot.Labels()) < len(d.bot.Codes()) { // bot.New refuses labels that two actions share
		t.Errorf("%d labels for %d codes", len(d.bot.Labels()), len(d.bot.Codes()))
	}
}

// kept is everything that presses of others must not change in what belongs to
// one partner.
const kept = `
SELECT coalesce(string_agg(line, E'\n' ORDER BY line), '') FROM (
	SELECT 'act ' || a::text AS line FROM acts AS a WHERE a.partner_id = ?0
	UNION ALL SELECT 'version ' || v.act_id || ' ' || v.version FROM act_versions AS v JOIN acts AS a ON a.id = v.act_id WHERE a.partner_id = ?0
	UNION ALL SELECT 'cohort ' || c::text FROM cohorts AS c WHERE c.partner_id = ?0
	UNION ALL SELECT 'learner ' || l::text FROM learners AS l JOIN cohorts AS c ON c.id = l.cohort_id WHERE c.partner_id = ?0
	UNION ALL SELECT 'journal ' || (to_jsonb(j) - 'sheet_sha')::text FROM journals AS j JOIN cohorts AS c ON c.id = j.cohort_id WHERE c.partner_id = ?0
	UNION ALL SELECT 'membership ' || m::text FROM memberships AS m WHERE m.org_id = ?0
	UNION ALL SELECT 'invitation ' || i::text FROM invitations AS i WHERE i.org_id = ?0
	UNION ALL SELECT 'draft file ' || f::text FROM draft_files AS f JOIN memberships AS m ON m.person_id = f.person_id WHERE m.org_id = ?0
) AS rows`

// kept reads a partner's rows but those that begin with one of the words.
func (d *desk) kept(orgID int64, without ...string) string {
	d.t.Helper()
	var out string
	if err := d.store.Bun().NewRaw(kept, orgID).Scan(d.t.Context(), &out); err != nil {
		d.t.Fatal(err)
	}
	if without == nil {
		return out
	}
	var lines []string
	for line := range strings.SplitSeq(out, "\n") {
		if !slices.ContainsFunc(without, func(head string) bool { return strings.HasPrefix(line, head) }) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// court is a desk on which one partner has acts in every state.
type court struct {
	*desk
	phones map[string]*emulator.Phone
	north  *service.Cohort
	south  *service.Cohort
}

func newCourt(t *testing.T) *court {
	t.Helper()
	c := &court{desk: newDesk(t), phones: map[string]*emulator.Phone{}}
	c.north, c.south = c.cohort("Север & <Ко>", "7781", "2026-02-27", 8), c.cohort("Юг", "9292", "2026-02-27", 8)
	for _, p := range []struct{ phone, org, name string }{
		{"partner", "Север & <Ко>", "Ольга Петрова"},
		{"other", "Юг", "Пётр Южный"},
		{"operator", "Оператор", "Роман Проверкин"},
		{"second", "Оператор", "Рита Вторая"},
		{"center", "Центр", "Клара Экзамен"},
		{"admin", "", "Анна Админ"},
	} {
		c.phones[p.phone] = c.hire(p.phone, p.org, p.name)
	}
	for _, phone := range []string{"partner", "other"} {
		p, cohort := c.phones[phone], c.north
		if phone == "other" {
			cohort = c.south
		}
		// 1 approved, 2 cancelled, 3 in approval and free, 4 taken; 5 waits. The
		// journal of a cohort is one, so the rejected ones have a cohort of their own.
		c.act(p, cohort, 1)
		c.sent(p, cohort)
		c.does("operator", cohort, 1, service.ActTake, service.ActApprove)
		c.act(p, cohort, 2)
		a := c.find(cohort, 2)
		if _, err := c.acts.Cancel(t.Context(), c.actor(p), a.ID, a.Revision, "ошибка"); err != nil {
			t.Fatal(err)
		}
		c.act(p, cohort, 3)
		c.act(p, cohort, 4)
		c.sent(p, cohort)
		c.does("second", cohort, 4, service.ActTake)
		c.act(p, cohort, 5)
	}
	for phone, number := range map[string]string{"partner": "7782", "other": "9293"} {
		p := c.phones[phone]
		org := "Север & <Ко>"
		if phone == "other" {
			org = "Юг"
		}
		cohort := c.cohort(org, number, "2026-02-26", 3)
		c.act(p, cohort, 1)
		c.sent(p, cohort)
		c.does("operator", cohort, 1, service.ActTake)
		a := c.find(cohort, 1)
		if _, err := c.acts.Reject(t.Context(), c.actor(c.phones["operator"]), a.ID, a.Revision, "нет подписи"); err != nil {
			t.Fatal(err)
		}
	}
	for _, org := range []string{"Север & <Ко>", "Юг", "Оператор", "Центр"} {
		c.link(org, "Гость "+org)
	}
	for _, phone := range []string{"partner", "other"} { // files that lie in conversations
		c.says(c.phones[phone], "Заменить журнал")
		c.says(c.phones[phone], "/cancel")
	}
	c.phones["stranger"] = c.phone("stranger")
	c.phones["candidate"] = c.hire("candidate", "Центр", "Сдающий Иванов")
	_, err := c.store.Bun().NewRaw("UPDATE memberships SET role = 'candidate', org_id = NULL WHERE person_id = ?",
		c.actor(c.phones["candidate"]).PersonID).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.quietly()
	return c
}

// act makes the next act of a cohort for one learner.
func (c *court) act(p *emulator.Phone, cohort *service.Cohort, n int) { c.generated(p, cohort, n) }

func (c *court) find(cohort *service.Cohort, n int) *service.Act {
	c.t.Helper()
	a, err := c.store.ActByNumber(c.t.Context(), service.CommandLine, fmt.Sprintf("%s/%d", cohort.Number, n))
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *court) does(phone string, cohort *service.Cohort, n int, events ...service.ActEvent) {
	c.t.Helper()
	for _, ev := range events {
		a := c.find(cohort, n)
		if _, err := c.acts.Move(c.t.Context(), c.actor(c.phones[phone]), a.ID, a.Revision, ev); err != nil {
			c.t.Fatal(err)
		}
	}
}

// revision is the one of the act with this id, 0 for none.
func (c *court) revision(id int64) int {
	c.t.Helper()
	var revisions []int
	if err := c.store.Bun().NewRaw("SELECT revision FROM acts WHERE id = ?", id).Scan(c.t.Context(), &revisions); err != nil {
		c.t.Fatal(err)
	}
	if revisions == nil {
		return 0
	}
	return revisions[0]
}

// serial is the one of a person's open conversation, 0 for none.
func (c *court) serial(p *emulator.Phone) int {
	c.t.Helper()
	var serials []int
	err := c.store.Bun().NewRaw(`
		SELECT (d.form->>'serial')::int FROM drafts AS d JOIN people AS p ON p.id = d.person_id WHERE p.telegram_id = ?`, p.ID()).
		Scan(c.t.Context(), &serials)
	if err != nil {
		c.t.Fatal(err)
	}
	if serials == nil {
		return 0
	}
	return serials[0]
}

// TestEveryButtonUnderEveryThumb presses every button as everybody, with ids
// that are their own, another's, guessed and impossible, and types every label.
// Nothing of a partner changes that is not the presser's to change, nobody reads
// of what they may not see, and nothing fails.
func TestEveryButtonUnderEveryThumb(t *testing.T) {
	t.Parallel()
	const north, south = "Север", "Юг"
	tests := []struct {
		phone string
		guard string // the partner whose rows are watched
		sees  string // is read at some time: the test is not for nothing
		// without are the lines of a partner's rows that this person may change.
		without []string
		// secrets must not be read by this person.
		secrets []string
	}{
		{"stranger", north, "[中文] [English]", nil, []string{north, south, "778", "929", "Ольга", "Пётр", "Роман", "Слушатель"}},
		{"candidate", north, "Сдающий Иванов", nil, []string{north, south, "778", "929", "Ольга", "Пётр", "Роман", "Слушатель"}},
		{"center", north, "Клара Экзамен", nil, []string{north, south, "778", "929", "Ольга", "Пётр", "Роман", "Слушатель"}},
		{"other", north, "Акт 9292/1", nil, []string{north, "778", "Ольга"}},
		{"partner", south, "Акт 7781/1", nil, []string{"Юг", "929", "Пётр"}},
		{"operator", north, "Акт 7781/1", []string{"act ", "journal "}, []string{"Слушатель", "Гость Север", "Гость Юг"}},
		{"admin", north, "Акт 7781/1", []string{"membership ", "invitation "}, []string{"Слушатель"}},
	}
	for _, tt := range tests {
		t.Run(tt.phone, func(t *testing.T) {
			t.Parallel()
			c := newCourt(t)
			p := c.phones[tt.phone]
			guarded, own := c.orgs["Север & <Ко>"].ID, c.south
			if tt.guard == south {
				guarded, own = c.orgs["Юг"].ID, c.north
			}
			before := c.kept(guarded, tt.without...)
			if !strings.Contains(before, "draft file ") || !strings.Contains(before, "learner ") {
				t.Fatalf("nothing to guard: %s", before)
			}
			check := func(what string) {
				t.Helper()
				if after := c.kept(guarded, tt.without...); after != before {
					t.Errorf("%s changed\n%s\ninto\n%s", what, before, after)
					before = after
				}
			}
			codes := slices.DeleteFunc(c.bot.Codes(), func(code bot.Action) bool { return code == bot.Remove })
			ids := []int64{-1, 0, 999_999, math.MinInt64}
			for id := int64(1); id <= 14; id++ {
				ids = append(ids, id)
			}
			for _, code := range append(codes, bot.Remove) { // the last one may end the own rights
				talk := slices.Contains(c.bot.TalkCodes(), code)
				for _, id := range ids {
					versions := []int{0, c.revision(id)}
					if talk {
						if c.serial(p) == 0 {
							p.PressData(bot.Press{Do: bot.Upload, ID: own.ID}.Data())
							c.serve()
						}
						versions = []int{c.serial(p)}
					}
					for _, version := range slices.Compact(versions) {
						p.PressData(bot.Press{Do: code, ID: id, Version: version}.Data())
						c.serve()
					}
				}
				check(fmt.Sprintf("button %q", code))
			}
			if org, staff := map[string]string{
				"center": "Центр", "other": "Юг", "partner": "Север & <Ко>", "operator": "Оператор", "admin": "",
			}[tt.phone]; staff { // they may have removed themselves
				c.starts(p, c.link(org, "Снова"))
			}
			for _, label := range c.bot.Labels() {
				c.says(p, "/cancel")
				for _, suffix := range []string{"", " · поток 7781", " · 7781/3", " · 7781/5", " 2"} {
					c.says(p, label+suffix)
				}
				check(fmt.Sprintf("words %q", label))
			}
			c.settle()
			if !strings.Contains(c.tg.Transcript(), tt.sees) {
				t.Errorf("%s never reads %q", tt.phone, tt.sees)
			}
			for line := range strings.SplitSeq(c.tg.Transcript(), "\n") {
				if !strings.HasPrefix(line, tt.phone) || strings.Contains(line, " > ") {
					continue
				}
				for _, secret := range tt.secrets {
					if strings.Contains(line, secret) {
						t.Errorf("%s reads %q", tt.phone, line)
					}
				}
			}
		})
	}
}

// TestAWrongRevisionMovesNothing presses the moves of acts as those who may make
// them, with revisions that the acts do not have.
func TestAWrongRevisionMovesNothing(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	northID := c.orgs["Север & <Ко>"].ID
	before := c.kept(northID)
	for _, phone := range []string{"partner", "operator", "second"} {
		for _, code := range []bot.Action{"ar", "ax", "as", "rt", "rl", "ra", "rr"} {
			for id := int64(1); id <= 14; id++ {
				for _, wrong := range []int{-1, 0, c.revision(id) - 1, c.revision(id) + 1, math.MaxInt32} {
					if wrong == c.revision(id) {
						continue
					}
					c.phones[phone].PressData(bot.Press{Do: code, ID: id, Version: wrong}.Data())
					c.serve()
				}
			}
		}
	}
	if after := c.kept(northID); after != before {
		t.Errorf("changed\n%s\ninto\n%s", before, after)
	}
}

// TestForgedDataIsNothing sends callback data that no button has.
func TestForgedDataIsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.says(olga, "/menu")
	for _, data := range []string{"zz:1:1", "ag", "ag:1", "ag:x!:1", ":1:1", "ag:1:1:1", strings.Repeat("q", 64), "\u202e:1:1", "ag:zzzzzzzzzzzzzz:0"} {
		olga.PressData(data)
		d.serve()
		if toast := olga.Toast(); toast.Text != "Такой записи нет, или она вам не видна." {
			t.Errorf("%q is answered %+v", data, toast)
		}
	}
}
