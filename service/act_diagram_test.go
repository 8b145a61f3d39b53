package service

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mermaidBlocks lists the pictures of a page.
func mermaidBlocks(page string) []string {
	var out []string
	for _, rest := range strings.Split(page, "```mermaid\n")[1:] {
		picture, _, _ := strings.Cut(rest, "```")
		out = append(out, picture)
	}
	return out
}

func TestTheReadmeDrawsTheTableOfAnAct(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{actTable.Mermaid()}, mermaidBlocks(string(readme))); diff != "" {
		t.Errorf("the pictures in the README (-table +README):\n%s", diff)
	}
}

func TestTheReadmeNamesEveryStatusOfAnAct(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, words, _ := strings.Cut(string(readme), "In people's words:")
	words, _, _ = strings.Cut(words, "\n")
	for _, s := range actTable.States() {
		if !strings.Contains(words, "`"+string(s)+"` «") {
			t.Errorf("no word for %s in %q", s, words)
		}
	}
}
