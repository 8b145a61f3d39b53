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

func TestTheReadmeDrawsTheTablesOfLives(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{actTable.Mermaid(), protocolTable.Mermaid(), batchTable.Mermaid(), pageTable.Mermaid()}, mermaidBlocks(string(readme))); diff != "" {
		t.Errorf("the pictures in the README (-table +README):\n%s", diff)
	}
}

func TestTheReadmeNamesEveryStatus(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, s := range actTable.States() {
		states = append(states, string(s))
	}
	for _, s := range protocolTable.States() {
		states = append(states, string(s))
	}
	for _, s := range batchTable.States() {
		states = append(states, string(s))
	}
	for _, s := range pageTable.States() {
		states = append(states, string(s))
	}
	var words strings.Builder
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "In people's words:") {
			words.WriteString(line)
		}
	}
	for _, s := range states {
		if !strings.Contains(words.String(), "`"+s+"` «") {
			t.Errorf("no word for %s in %q", s, words.String())
		}
	}
}
