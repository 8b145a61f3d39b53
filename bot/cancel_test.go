package bot_test

import (
	"strings"
	"testing"

	"flowbot/bot/emulator"
)

// TestCancellingSpeaksOfFilesOnlyIfSomeLieThere cancels conversations before a file
// was sent, after one that was refused, and after one that was taken.
func TestCancellingSpeaksOfFilesOnlyIfSomeLieThere(t *testing.T) {
	t.Parallel()
	const nothing, kept = "Отменено. Выберите", "Отменено. Присланные файлы сохранены."
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.generated(olga, d.cohort("Север & <Ко>", "118", "2026-02-27", 1))
	d.centerFilled(anna)
	e := d.ready("77", 1)
	wrong := emulator.Attachment{Name: "записка.txt", MIME: "text/plain", Data: []byte("ничего")}
	tests := []struct {
		name  string
		who   *emulator.Phone
		begin string
		taken emulator.Attachment
	}{
		{"the journal of a cohort", olga, "Журнал и скриншоты", d.journal("журнал.pdf")},
		{"the numbers of an exam", anna, "Импортировать сертификаты · 77", d.numbers("номера.csv", e, []int{1})},
	}
	for _, tt := range tests {
		for _, file := range []struct {
			name string
			sent []emulator.Attachment
			want string
		}{{"nothing", nil, nothing}, {"a refused file", []emulator.Attachment{wrong}, nothing}, {"a file", []emulator.Attachment{tt.taken}, kept}} {
			d.says(tt.who, tt.begin)
			if file.sent != nil {
				d.sends(tt.who, file.sent...)
			}
			d.says(tt.who, "/cancel")
			if got := tt.who.Last().Text; !strings.HasPrefix(got, file.want) {
				t.Errorf("%s, %s: %q, want %q", tt.name, file.name, got, file.want)
			}
		}
	}
}
