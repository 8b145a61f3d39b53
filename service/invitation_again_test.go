package service_test

import (
	"testing"

	"flowbot/service"
)

func TestAnUpdateThatComesAgainMakesNoSecondInvitation(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	seat := w.seat(w.north)
	lost, first, err := w.InviteOnce(t.Context(), w.northRep, seat, "Новый", 7)
	if err != nil {
		t.Fatal(err)
	}
	shown, second, err := w.InviteOnce(t.Context(), w.northRep, seat, "Новый", 7)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != second.ID || lost == shown {
		t.Errorf("invitations %d and %d, tokens equal: %t", first.ID, second.ID, lost == shown)
	}
	if _, n, err := w.Invitations(t.Context(), w.northRep, seat, 0, 10); err != nil || n != 1 {
		t.Errorf("%d open invitations (%v), want 1", n, err)
	}
	if _, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: 900, Token: shown}); err != nil {
		t.Errorf("the link that was shown last: %v", err)
	}
	_, err = w.Accept(t.Context(), service.AcceptInput{TelegramID: 901, Token: lost})
	wantReason(t, err, service.ReasonInvitationInvalid)
	// One that is used stays as it is.
	_, third, err := w.InviteOnce(t.Context(), w.northRep, seat, "Новый", 7)
	if err != nil || third.ID == first.ID {
		t.Errorf("a used invitation is given out anew (%v)", err)
	}
}
