package chat

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSplitCutsByLinesAndKeepsTags(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name        string
		html        string
		first, rest int
		want        []string
	}{
		{"a short text stays whole", "Акт № 1", 20, 20, []string{"Акт № 1"}},
		{"nothing is one empty part", "", 20, 20, []string{""}},
		{"after a line", "один\nдва\nтри", 9, 9, []string{"один\nдва", "три"}},
		{"after a word where a line is too long", "один два три", 10, 10, []string{"один два ", "три"}},
		{"anywhere where a word is too long", "абвгдежз", 5, 5, []string{"абвгд", "ежз"}},
		{"an open tag is closed and opened again", "<b>один\nдва\nтри</b>", 9, 9, []string{"<b>один\nдва\n</b>", "<b>три</b>"}},
		{"with its attributes", `<a href="tg://user?id=1">один\nдва три</a>`, 12, 12, []string{`<a href="tg://user?id=1">один\nдва </a>`, `<a href="tg://user?id=1">три</a>`}},
		{"an entity is one character", "&lt;&amp;&gt;&quot;абвг", 4, 4, []string{"&lt;&amp;&gt;&quot;", "абвг"}},
		{"an emoji is two units", "😀😀😀", 4, 4, []string{"😀😀", "😀"}},
		{"the first part has a limit of its own", "один\nдва\nтри", 5, 9, []string{"один", "два\nтри"}},
		{"tags are not counted", "<b>абвг</b>", 4, 4, []string{"<b>абвг</b>"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, split(tt.html, tt.first, tt.rest)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSplitLosesNothing draws texts with tags and looks at every part.
func TestSplitLosesNothing(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{
			"слово ", "строка\n", "<b>жирно</b>", "<i>курсив\nи <b>жирный</b> </i>", "&lt;&amp;", "😀", "длинноеслово",
		})).Draw(t, "pieces")
		src := strings.Join(pieces, "")
		first, rest := rapid.IntRange(4, 40).Draw(t, "first"), rapid.IntRange(4, 40).Draw(t, "rest")
		var seen strings.Builder
		for i, part := range split(src, first, rest) {
			limit := rest
			if i == 0 {
				limit = first
			}
			depth, size := 0, 0
			for _, tok := range tokenize(part) {
				size += tok.size
				switch {
				case tok.open != "":
					depth++
				case tok.shut:
					depth--
				default:
					seen.WriteString(tok.src)
				}
				if depth < 0 {
					t.Fatalf("part %d closes a tag that it never opened: %q", i, part)
				}
			}
			if depth != 0 {
				t.Fatalf("part %d leaves a tag open: %q", i, part)
			}
			if size > limit {
				t.Fatalf("part %d has %d units, limit %d: %q", i, size, limit, part)
			}
		}
		if got, want := letters(seen.String()), letters(src); got != want {
			t.Fatalf("people see %q, want %q", got, want)
		}
	})
}

// letters is what people read: the text without tags and space.
func letters(s string) string {
	var b strings.Builder
	for _, tok := range tokenize(s) {
		if tok.size > 0 {
			b.WriteString(strings.TrimSpace(tok.src))
		}
	}
	return b.String()
}

func TestClipMarksWhatIsLeftOut(t *testing.T) {
	t.Parallel()

	if got, want := clip("один\nдва\nтри", 11), "один\nдва\n…"; got != want {
		t.Errorf("clip: %q, want %q", got, want)
	}
	if got, want := clip("один\nдва", 8), "один\nдва"; got != want {
		t.Errorf("clip: %q, want %q", got, want)
	}
}
