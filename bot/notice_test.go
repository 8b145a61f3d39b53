package bot_test

import (
	"strings"
	"testing"

	"flowbot/bot/emulator"
)

// TestWhoHasLeftReadsNothingMore ends somebody's rights in one organisation
// between the deed and the message about it; they stay in another.
func TestWhoHasLeftReadsNothingMore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "7781", "2026-02-27", 1)
	d.hire("colleague", "Север & <Ко>", "Иван Второй")
	d.hire("partner", "Юг", "Ольга Петрова")
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c)
	olga.Say("Скачать пакет")
	d.serve()
	olga.Say("Журнал и скриншоты")
	d.serve()
	journal := d.journal("журнал.pdf")
	olga.SendDocument(journal.Name, journal.MIME, journal.Data, "")
	d.serve()
	d.sql("UPDATE memberships SET removed_at = added_at WHERE org_id = ? AND person_id = ?", d.orgs["Север & <Ко>"].ID, d.actor(olga).PersonID)
	d.tg.ResetTranscript()
	d.settle()
	d.says(olga, "Акты")
	d.says(olga, "готово")
	for line := range strings.SplitSeq(d.tg.Transcript(), "\n") {
		if strings.HasPrefix(line, "partner") && strings.Contains(line, "7781") {
			t.Errorf("%q is read after the rights have ended", line)
		}
	}
}

// TestWhoBlocksTheBotIsNotWrittenTo answers somebody who blocks the bot while it
// thinks, and lets them in again when they write.
func TestWhoBlocksTheBotIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.tg.Inject(emulator.Fault{Method: "sendMessage", Chat: olga.ID(), Status: 403, Description: "Forbidden: bot was blocked by the user"})
	d.says(olga, "/menu")
	if !d.actor(olga).Unreachable {
		t.Error("nobody has written down that she cannot be reached")
	}
	d.says(olga, "/menu")
	if d.actor(olga).Unreachable || !strings.Contains(olga.Last().Text, "Ольга Петрова") {
		t.Errorf("she has written again and reads %q", olga.Last().Text)
	}
}
