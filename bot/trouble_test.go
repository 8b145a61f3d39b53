package bot_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"flowbot/bot/emulator"
	"flowbot/cron"
	"flowbot/service"
	"flowbot/templates"
)

// sends one round of notices that do not all arrive.
func (d *desk) sendBadly(fault emulator.Fault) {
	d.t.Helper()
	d.work()
	d.tg.Inject(fault)
	if _, err := d.sender.SendAll(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	d.tg.ClearFaults()
	d.log.Reset() // the sender has told of it, as it should
}

// aside has an update given up.
func (d *desk) aside(id int64, why string) {
	d.t.Helper()
	ctx := d.t.Context()
	raw := json.RawMessage(`{"update_id":1}`)
	if _, err := d.store.StoreUpdates(ctx, []service.RawUpdate{{ID: id, ChatID: 77, Raw: raw}}); err != nil {
		d.t.Fatal(err)
	}
	us, err := d.store.ClaimUpdates(ctx, 0, 1, time.Minute)
	if err != nil || len(us) != 1 {
		d.t.Fatalf("%d updates claimed, %v", len(us), err)
	}
	if err := d.store.UpdateAside(ctx, us[0], why); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) sql(query string, args ...any) {
	d.t.Helper()
	if _, err := d.store.Bun().NewRaw(query, args...).Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// TestTroublesAreShownAndEnded goes through what did not go through.
func TestTroublesAreShownAndEnded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 2)
	olga := d.hire("partner", "Север & <Ко>", "Ольга <Петрова>")
	anna := d.hire("admin", "", "Анна Админ")
	vera := d.hire("other admin", "", "Вера Вторая")
	d.says(anna, "/tasks")
	d.says(anna, "Неполадки")
	d.tg.Note("a refused message, an unconfirmed one, a dead job, a poisoned update")
	d.generated(olga, c, 1)
	d.sendBadly(emulator.Fault{Method: "sendDocument", Status: 400, Description: "Bad Request: <strange> & unknown"})
	d.generated(olga, c, 2)
	d.sendBadly(emulator.Fault{Method: "sendDocument", Drop: emulator.DropAfter})
	for i := range 6 {
		d.aside(int64(9000+i), "panic: index out of range <nil>")
	}
	d.sql(`INSERT INTO river_job (state, kind, args, max_attempts, attempt, created_at, finalized_at, errors, queue)
		VALUES ('discarded', 'print_act', '{"act_id":1,"version":1}', 5, 5, ?0, ?0, ARRAY['{"error":"no space left on device"}'::jsonb], 'default')`, d.at)
	d.sql("UPDATE updates SET received_at = ?", d.at)
	d.sql("UPDATE notices SET created_at = ?", d.at)

	d.says(anna, "/tasks")
	d.presses(anna, "Неполадки")
	d.says(vera, "Неполадки")
	d.presses(anna, "Дальше →", "← Раньше", "Скрыть 1", "Повторить 1")
	d.tg.Note("the other admin still sees what is gone")
	d.presses(vera, "Скрыть 1")
	d.presses(anna, "Сообщения (2)", "Повторить 1", "Скрыть 1", "Работы (1)", "Повторить 1")
	for range 4 {
		d.presses(anna, "Скрыть 1")
	}
	d.tg.Note("nobody else sees any of it")
	d.says(olga, "Неполадки")
	olga.PressData("tr:0:0")
	d.settle()
	olga.PressData("ty:1:0")
	d.settle()
	golden(t, "trouble_ended", d.tg.Transcript())
}

// TestEveryKindOfTroubleHasWords walks through the jobs that are worked and the
// notices that are sent.
func TestEveryKindOfTroubleHasWords(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]string{"notice_words": newDesk(t).bot.NoticeKinds()}
	for _, w := range cron.Works(cron.Services{}) {
		kinds["job_words"] = append(kinds["job_words"], w.Kind)
	}
	for name, list := range kinds {
		said := map[string]string{}
		for _, kind := range list {
			words, err := texts.HTML(name, kind)
			if err != nil || words == "" || words == kind || strings.Contains(words, "_") {
				t.Errorf("%s %s: %q, %v", name, kind, words, err)
			}
			if other := said[words]; other != "" {
				t.Errorf("%s %s reads as %s: %q", name, kind, other, words)
			}
			said[words] = kind
		}
	}
}

// TestAPoisonedUpdateApologisesOnce works an update that never succeeds until it
// is given up.
func TestAPoisonedUpdateApologisesOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.says(olga, "Журнал и скриншоты")
	// A conversation whose form cannot be read is a fault of ours.
	d.sql(`INSERT INTO drafts (person_id, kind, step, form, update_id, updated_at)
		SELECT person_id, 'package', 'collect', '{"serial":1,"form":{"CohortID":"x"}}', 0, now() FROM memberships WHERE role = 'partner_rep'`)
	seen := len(olga.Messages())
	raw := json.RawMessage(`{"update_id":500,"message":{"message_id":9,"date":1,"text":"готово",
		"from":{"id":1000,"is_bot":false,"first_name":"partner"},"chat":{"id":1000,"type":"private"}}}`)
	for attempt := 1; attempt <= service.MaxUpdateAttempts; attempt++ {
		if err := d.bot.Work(t.Context(), service.Update{ID: 500, ChatID: 1000, Raw: raw, Attempts: attempt}); err == nil {
			t.Errorf("attempt %d succeeds", attempt)
		}
	}
	messages := olga.Messages()
	if len(messages)-seen != 1 || messages[len(messages)-1].Text != "Не получилось по нашей вине. Попробуйте ещё раз через несколько минут." {
		t.Errorf("%d answers, the last %q", len(messages)-seen, messages[len(messages)-1].Text)
	}
	d.says(olga, "/cancel")
	if got := olga.Last().Text; got != "Отменено. Выберите, что сделать." {
		t.Errorf("there is no way out: %q", got)
	}
}
