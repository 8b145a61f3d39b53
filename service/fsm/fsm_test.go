package fsm_test

import (
	"errors"
	"testing"

	"flowbot/service/fsm"
)

type (
	state string
	event string
)

func anyone(struct{}) error { return nil }

func TestMustTableRefuses(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name string
		rows []fsm.Rule[state, event, struct{}]
	}{
		{"two rows for one state and event", []fsm.Rule[state, event, struct{}]{
			fsm.Row[state, event]("a", "go", "b", anyone),
			fsm.Row[state, event]("a", "go", "c", anyone),
		}},
		{"a state out of reach", []fsm.Rule[state, event, struct{}]{
			fsm.Row[state, event]("a", "go", "b", anyone),
			fsm.Row[state, event]("x", "go", "b", anyone),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			fsm.MustTable("a", tt.rows...)
		})
	}
}

func TestNext(t *testing.T) {
	t.Parallel()

	no := errors.New("no")
	table := fsm.MustTable("a",
		fsm.Row[state, event]("a", "go", "b", anyone),
		fsm.Row[state, event]("b", "go", "a", anyone, func(struct{}) error { return no }),
	)
	tests := []struct {
		from, want state
		err        error
	}{
		{"a", "b", nil},
		{"b", "b", no},
		{"c", "c", fsm.ErrNoMove},
	}
	for _, tt := range tests {
		if got, err := table.Next(tt.from, "go", struct{}{}); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("Next(%s) = %s, %v; want %s, %v", tt.from, got, err, tt.want, tt.err)
		}
	}
}
