package service

import "strings"

// ActDiagram is the picture of an act's life in the README.
func ActDiagram() string { return actTable.Mermaid() }

// ActStates lists the states of the table.
func ActStates() []ActStatus { return actTable.States() }

// ActRows lists the table's rows as "from event to".
func ActRows() []string {
	var out []string
	for line := range strings.Lines(actTable.Mermaid()) {
		from, rest, ok := strings.Cut(strings.TrimSpace(line), " --> ")
		to, event, isRow := strings.Cut(rest, ": ")
		if ok && isRow {
			out = append(out, from+" "+event+" "+to)
		}
	}
	return out
}

// Bounds that tests reach.
const (
	MaxComment     = maxComment
	MaxDraftFiles  = maxDraftFiles
	MaxScreenshots = maxScreenshots
)

// ProtocolStates lists the states of the table.
func ProtocolStates() []ProtocolStatus { return protocolTable.States() }

// BatchStates lists the states of the table.
func BatchStates() []BatchState { return batchTable.States() }

// PageStates lists the states of the table.
func PageStates() []PageState { return pageTable.States() }
