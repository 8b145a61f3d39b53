package bot_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"flowbot/service"
)

// TestAReviewersDay follows the queue through its card, lists, filters and
// search, and a package through taking, giving back and the files.
func TestAReviewersDay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	petr := d.hire("other", "Юг", "Пётр Южный")
	for i := range 9 {
		c := d.cohort("Север & <Ко>", strconv.Itoa(110+i), "2026-02-20", 1)
		d.generated(olga, c)
		d.sent(olga, c)
	}
	d.at = d.at.Add(24 * time.Hour)
	c := d.cohort("Юг", "200", "2026-02-27", 2)
	d.generated(petr, c)
	d.sent(petr, c)
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.quietly()

	d.says(roman, "Пакеты на согласовании")
	d.presses(roman, "Все пакеты", "Дальше →", "← Раньше", "Пакеты на согласовании", "Срок сегодня", "Пакеты на согласовании")
	d.presses(roman, "По партнёру", "Юг (1)", "Пакеты на согласовании", "Найти по номеру")
	roman.SendVoice()
	d.settle()
	d.says(roman, "№ 200")
	d.presses(roman, "200/1 · до 25.03.2026 · Юг", "Взять на проверку", "Скачать журнал и скриншоты")
	d.says(roman, "История · 200/1")
	d.says(roman, "Снять с себя")
	d.says(roman, "Найти по номеру")
	d.says(roman, "<нет такого>")
	d.says(roman, "1")
	d.pass(30*24*time.Hour, "a month later")
	d.says(roman, "Пакеты на согласовании")
	d.presses(roman, "Просрочены")
	golden(t, "queue_day", d.tg.Transcript())
}

// TestNobodyDecidesOnTheirOwnUpload lets a person who is on both sides try.
func TestNobodyDecidesOnTheirOwnUpload(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	d.hire("both", "Север & <Ко>", "Ольга Обоюдная")
	olga := d.hire("both", "Оператор", "Ольга Обоюдная")
	d.generated(olga, c)
	d.sent(olga, c)
	d.quietly()
	d.says(olga, "/menu")
	d.says(olga, "Пакеты на согласовании")
	d.presses(olga, "Все пакеты", "118/1 · до 24.03.2026 · Север & <Ко>", "Взять на проверку")
	d.says(olga, "Следующий")
	d.says(olga, "/tasks")
	golden(t, "queue_own_upload", d.tg.Transcript())
}

// TestThreeHundredPackagesAreOneMessage counts what a reviewer's telephone gets.
func TestThreeHundredPackagesAreOneMessage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	seen := len(roman.Messages())
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 300)
	list, err := d.store.LearnersPage(t.Context(), c.ID, 0, 0, 300)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		in := service.GenerateInput{CohortID: c.ID, Revision: c.Revision + i, Learners: []int64{list[i].ID}}
		if _, err := d.acts.Generate(t.Context(), d.actor(olga), in); err != nil {
			t.Fatal(err)
		}
	}
	d.sent(olga, c)
	d.settle()
	first := roman.Last()
	if n := len(roman.Messages()) - seen; n != 1 || !strings.Contains(first.Text, "Ждут проверки: 300") {
		t.Errorf("%d messages, the last %q", n, first.Text)
	}
	other := d.cohort("Север & <Ко>", "119", "2026-02-27", 1)
	d.generated(olga, other)
	d.sent(olga, other)
	d.settle()
	if now := roman.Last(); now.ID != first.ID || !strings.Contains(now.Text, "Ждут проверки: 301") {
		t.Errorf("soon after, the card is not edited: %+v", now)
	}
	d.at = d.at.Add(time.Hour)
	third := d.cohort("Север & <Ко>", "120", "2026-02-27", 1)
	d.generated(olga, third)
	d.sent(olga, third)
	d.settle()
	now := roman.Last()
	if now.ID == first.ID || !strings.Contains(now.Text, "Ждут проверки: 302") {
		t.Errorf("an hour later no new card comes: %+v", now)
	}
	if n := len(roman.Messages()) - seen; n != 1 {
		t.Errorf("%d cards stay", n)
	}
}

// TestLongCommentsFitTheChat rejects with the longest comment again and again
// and reads cards and history under pictures and in messages.
func TestLongCommentsFitTheChat(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.generated(olga, c)
	for i := range 3 {
		d.sent(olga, c)
		d.settle()
		d.says(roman, "Следующий")
		d.presses(roman, "Взять на проверку", "Отклонить")
		d.says(roman, strconv.Itoa(i+1)+" <&> "+strings.Repeat("🙂", 990)+" конец")
		card := roman.Last().Text + roman.Last().Caption
		if !strings.Contains(card, "конец") || !strings.Contains(card, "Слушателей: 1") {
			t.Errorf("the card is cut: %q", card)
		}
	}
	d.says(olga, "История · 118/1")
	var all strings.Builder
	for _, m := range olga.Messages() {
		all.WriteString(m.Text)
	}
	for i := range 3 {
		if !strings.Contains(all.String(), strconv.Itoa(i+1)+" <&> 🙂") {
			t.Errorf("the comment %d is not in the history", i+1)
		}
	}
	if got := strings.Count(all.String(), "конец"); got < 6 { // the message of each decision, and the history
		t.Errorf("%d comments are whole", got)
	}
}

// TestAHistoryHasPages goes back through many steps.
func TestAHistoryHasPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	a := d.generated(olga, c)
	for range 11 {
		d.at = d.at.Add(time.Minute)
		var err error
		in := service.RegenerateInput{ActID: a.ID, Revision: a.Revision}
		if a, err = d.acts.Regenerate(t.Context(), d.actor(olga), in); err != nil {
			t.Fatal(err)
		}
	}
	d.quietly()
	d.says(olga, "История")
	d.presses(olga, "Старее →", "← Новее", "Акт 118/1")
	golden(t, "queue_history", d.tg.Transcript())
}

// TestAnArchiveChecksItself orders a package before and after its journal and
// compares every file with the manifest.
func TestAnArchiveChecksItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.generated(olga, c)
	d.quietly()

	d.says(olga, "Скачать пакет")
	want := []string{"Акт 118-1.pdf", "SHA256SUMS.txt"}
	checkArchive(t, olga.Last().File.Data, want)
	d.says(olga, "Журнал и скриншоты")
	d.sends(olga, d.journal("../журнал <№ 1>: \"итог\".pdf"))
	d.sends(olga, d.screenshot("con\u202egnp.png", 1), d.screenshot(strings.Repeat("Ж", 300)+".png", 2), d.screenshot("con\u202egnp.png", 3))
	d.presses(olga, "Готово", "Отправить на согласование")
	d.says(roman, "Следующий")
	d.presses(roman, "Скачать пакет")
	want = []string{
		"Акт 118-1.pdf", "Журнал/журнал (№ 1)- итог.pdf", "Скриншоты/01 congnp.png",
		"Скриншоты/02 " + strings.Repeat("Ж", 116) + ".png", "Скриншоты/03 congnp.png", "SHA256SUMS.txt",
	}
	checkArchive(t, roman.Last().File.Data, want)
	golden(t, "queue_archive", d.tg.Transcript())
}

// TestALargePackageComesInParts packs more than one message takes.
func TestALargePackageComesInParts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c)
	noise := rand.NewChaCha8([32]byte{7})
	for i := range 3 {
		data := make([]byte, 19<<20)
		if _, err := noise.Read(data); err != nil {
			t.Fatal(err)
		}
		d.lay(olga, c, service.KindScreenshot, fmt.Sprintf("скан %d.png", i+1), "image/png", data)
	}
	d.sent(olga, c)
	d.quietly()
	d.says(olga, "Скачать пакет")
	var names []string
	for _, m := range olga.Messages() {
		if m.File == nil || !strings.HasSuffix(m.File.Name, ".zip") {
			continue
		}
		if n := len(m.File.Data); n > 50<<20 {
			t.Errorf("%s has %d bytes", m.File.Name, n)
		}
		z, err := zip.NewReader(bytes.NewReader(m.File.Data), int64(len(m.File.Data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			names = append(names, f.Name)
		}
	}
	if n := len(names); n != 8 { // the act, the journal, four screenshots and a manifest in each of two parts
		t.Errorf("the parts hold %q", names)
	}
	golden(t, "queue_archive_parts", d.tg.Transcript())
}

// checkArchive reads every file of an archive and compares it with the manifest.
func checkArchive(t *testing.T, data []byte, want []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	var names []string
	manifest := ""
	for _, f := range z.File {
		names = append(names, f.Name)
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		sums[f.Name] = hex.EncodeToString(sum[:])
		if f.Name == "SHA256SUMS.txt" {
			manifest = string(content)
		}
	}
	if got := strings.Join(names, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the archive holds\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	lines := 0
	for line := range strings.Lines(manifest) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || sums[name] != sum {
			t.Errorf("the manifest says %q, the file's sum is %s", line, sums[name])
		}
		lines++
	}
	if lines != len(names)-1 {
		t.Errorf("the manifest has %d lines for %d files", lines, len(names)-1)
	}
}

// TestAPackageOfManyFilesIsAFewAlbums downloads a journal with twenty
// screenshots.
func TestAPackageOfManyFilesIsAFewAlbums(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c)
	for i := range 19 {
		d.lay(olga, c, service.KindScreenshot, fmt.Sprintf("снимок %d.png", i+1), "image/png", d.screenshot("", uint8(i)).Data)
	}
	d.sent(olga, c)
	d.quietly()
	single, album := d.tg.Count("sendDocument"), d.tg.Count("sendMediaGroup")
	d.says(olga, "Скачать журнал и скриншоты")
	if single, album = d.tg.Count("sendDocument")-single, d.tg.Count("sendMediaGroup")-album; single != 1 || album != 2 {
		t.Errorf("%d files by themselves and %d albums", single, album)
	}
	files := 0
	for _, m := range olga.Messages() {
		if m.File != nil && (strings.HasPrefix(m.File.Name, "снимок") || m.File.Name == "журнал.pdf") {
			files++
		}
	}
	if files != 21 {
		t.Errorf("%d files arrive", files)
	}
}
