package service

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTelephonesOfCellsAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct{ cell, want string }{
		{"", ""},
		{"+7 (900) 123-45-67", "79001234567"},
		{"8 900 123 45 67", "79001234567"},
		{"89001234567", "79001234567"},
		{"79001234567", "79001234567"},
		{"9001234567", "79001234567"},
		{"7.9001234567E+10", "79001234567"},
		{"+998 90 123-45-67", "998901234567"},
		{"00998901234567", "998901234567"},
		{"+86 138 0013 8000", "8613800138000"},
		{"+374 91 123456", "37491123456"},
		{"+89001234567", "79001234567"},
		{"12345", "no"},
		{"1234567890123456", "no"},
		{"0", "no"},
		{"01234567890", "no"},
		{"нет", "no"},
		{"79001234567, 79001234568", "no"},
		{"7900123+4567", "no"},
		{"7900123456a", "no"},
		{"+", "no"},
	}
	for _, tt := range tests {
		t.Run(tt.cell, func(t *testing.T) {
			t.Parallel()
			got, err := readPhone(tt.cell, &Sheet{})
			if tt.want == "no" {
				if ReasonOf(err) != ReasonImportNoPhone {
					t.Errorf("%q is %q, %v", tt.cell, got, err)
				}
			} else if got != tt.want || err != nil {
				t.Errorf("%q is %q, %v; want %q", tt.cell, got, err, tt.want)
			}
		})
	}
}

func TestReadTelephonesAreReadAgainAsTheyAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`\+?[0-9 ()-]{0,20}`).Draw(t, "cell")
		once, err := readPhone(cell, &Sheet{})
		if err != nil || once == "" {
			return
		}
		if again, err := readPhone("+"+once, &Sheet{}); again != once || err != nil {
			t.Fatalf("%q is %q, then %q, %v", cell, once, again, err)
		}
	})
}

func TestTimesOfExamsAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, cell string
		base1904   bool
		on, clock  string // "" for none
		reason     Reason
	}{
		{"as people write", "24.02.2026 10:05", false, "2026-02-24", "10:05", ""},
		{"without a nought", "24.02.2026 9:05", false, "2026-02-24", "09:05", ""},
		{"with seconds", "24.02.2026 10:05:59", false, "2026-02-24", "10:05", ""},
		{"without a time", "24.02.2026", false, "2026-02-24", "", ""},
		{"at midnight", "24.02.2026 00:00", false, "2026-02-24", "", ""},
		{"as programs write", "2026-02-24T10:05:00", false, "2026-02-24", "10:05", ""},
		{"a number of Excel", "46077.4201388889", false, "2026-02-24", "10:05", ""},
		{"a number without a time", "46077", false, "2026-02-24", "", ""},
		{"a number a hair below the minute", "46077.374999999999", false, "2026-02-24", "09:00", ""},
		{"a number a hair below midnight", "46077.99999999", false, "2026-02-25", "", ""},
		{"a number of an old Macintosh", "44615.5", true, "2026-02-24", "12:00", ""},
		{"nothing", "", false, "", "", ""},
		{"no such day", "31.02.2026 10:00", false, "", "", ReasonImportNoTime},
		{"no such hour", "24.02.2026 24:00", false, "", "", ReasonImportNoTime},
		{"words", "24.02.2026 утром", false, "", "", ReasonImportNoTime},
		{"a time alone", "0.5", false, "", "", ReasonImportNoTime},
		{"endless", "Inf", false, "", "", ReasonImportNoTime},
		{"a year", "2026", false, "", "", ReasonImportFarDay},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := readHeld(tt.cell, &Sheet{Base1904: tt.base1904})
			if ReasonOf(err) != tt.reason {
				t.Fatalf("%q: %v, want %q", tt.cell, err, tt.reason)
			}
			if err == nil && (got.on.String() != tt.on || got.clock != tt.clock) {
				t.Errorf("%q is %v at %q", tt.cell, got.on, got.clock)
			}
		})
	}
}

func TestNamesOfCellsAreRead(t *testing.T) {
	t.Parallel()
	cyrillic, latin := orNone(readName), orNone(readLatin)
	tests := []struct {
		name string
		read func(string, *Sheet) (string, error)
		cell string
		want Reason
	}{
		{"Cyrillic", cyrillic, "Рустам-оглы Ў'Ғани", ""},
		{"Latin alone, as nobody can be sure", cyrillic, "Nguyen Ким", ""},
		{"a Latin letter in a Cyrillic word", cyrillic, "Ивaнов", ReasonImportMixed},
		{"two words of two alphabets joined by a stroke", cyrillic, "Анна-Maria", ""},
		{"a Latin combining mark between", cyrillic, "Иu\u0301", ReasonImportMixed},
		{"Latin with marks", latin, "ÖZTÜRK O‘G‘LI D'ARC", ""},
		{"a Turkmen and a Vietnamese letter", latin, "ÝAZMYRADOW NGUYỄN", ""},
		{"the Uzbek sign", latin, "Oʻgʻli", ""},
		{"Cyrillic in Latin", latin, "OGLI Х", ReasonImportNotLatin},
		{"a digit", latin, "IVANOV 2", ReasonImportNotLatin},
		{"a stroke for no patronymic", latin, "—", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := tt.read(tt.cell, &Sheet{}); ReasonOf(err) != tt.want {
				t.Errorf("%q: %v, want %q", tt.cell, err, tt.want)
			}
		})
	}
}

func TestWordsOfTheDomainAreRead(t *testing.T) {
	t.Parallel()
	read := map[string]func(string) (string, error){
		"level":   func(s string) (string, error) { v, err := readWord(levelWords)(s, nil); return string(v), err },
		"gender":  func(s string) (string, error) { return readWord(genderWords)(s, nil) },
		"outcome": func(s string) (string, error) { v, err := readWord(outcomeWords)(s, nil); return string(v), err },
		"mark":    func(s string) (string, error) { v, err := readWord(violationWords)(s, nil); return string(v), err },
		"language": func(s string) (string, error) {
			return readWord(languageWords)(s, nil)
		},
	}
	for _, tt := range []struct{ kind, cell, want string }{
		{"level", "Патент", "patent"},
		{"level", "Патент или разрешение на работу", "patent"},
		{"level", "рвп", "temporary"},
		{"level", "Разрешение на временное проживание (РВП)", "temporary"},
		{"level", "Вид на жительство  (ВНЖ)", "permanent"},
		{"level", "гражданство", "no"},
		{"gender", "м", "m"},
		{"gender", "Женский", "f"},
		{"gender", "M", "m"},
		{"gender", "", ""},
		{"outcome", "СДАЛ", "passed"},
		{"outcome", "не сдала", "failed"},
		{"outcome", "Не явился", "absent"},
		{"outcome", "", ""},
		{"mark", "Нет", "none"},
		{"mark", "да", "found"},
		{"mark", "", ""},
		{"language", "Узбекский", "uz"},
		{"language", "ZH", "zh"},
		{"language", "de", "no"},
	} {
		got, err := read[tt.kind](tt.cell)
		if (tt.want == "no") != (err != nil) || err == nil && got != tt.want {
			t.Errorf("%s %q is %q, %v; want %q", tt.kind, tt.cell, got, err, tt.want)
		}
	}
	for _, l := range Levels {
		if !slices.ContainsFunc(levelWords, func(c choice[Level]) bool { return c.value == l }) {
			t.Errorf("level %s has no words", l)
		}
	}
}
