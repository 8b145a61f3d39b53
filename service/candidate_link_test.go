package service_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// opener is the Telegram user who opens links.
const opener = 71

// opened opens a new link of an application and returns it.
func (c *center) opened(a service.Application) string {
	c.t.Helper()
	token, _, err := c.candidates().Invite(c.t.Context(), c.anna, a.ID, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	in, err := c.Accept(c.t.Context(), service.AcceptInput{TelegramID: opener, Token: token})
	if err != nil {
		c.t.Fatal(err)
	}
	if diff := cmp.Diff(service.Arrival{Asked: true}, in); diff != "" {
		c.t.Fatalf("the link tells (-want +got):\n%s", diff)
	}
	return token
}

// born answers the question of a link.
func (c *center) born(telegramID int64, day string) (*service.Arrival, error) {
	c.t.Helper()
	return c.candidates().ClaimLink(c.t.Context(), service.ClaimLinkInput{TelegramID: telegramID, Text: day})
}

// digits answers the second question of a link, as its opener.
func (c *center) digits(text string) (*service.Arrival, error) {
	c.t.Helper()
	return c.candidates().ClaimLinkDigits(c.t.Context(), service.ClaimLinkInput{TelegramID: opener, Text: text})
}

// linkedTo is the person of an application; 0 is none.
func (c *center) linkedTo(a service.Application) int64 {
	c.t.Helper()
	now, err := c.store.Application(c.t.Context(), service.System, a.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	return now.PersonID
}

// daysApart gives each application a day of birth of its own.
func daysApart(n int, a *service.Application) { a.BornOn = service.NewDay(1990, 3, 4+n) }

func TestALinkOpensToTheDayOfBirthOfItsCandidate(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	list := c.applications(c.exam(2, daysApart))
	own, other := list[0], list[1]
	token := c.opened(own)
	for _, text := range []string{"", "вчера", "31.02.1990", "05.03.2126", "05.03.1890", "05.03.90", "05031990", "5 марта 1990", "05.03.1990 05.03.1991"} {
		_, err := c.born(opener, text)
		refusedWith(t, text, err, service.ReasonCandidateBorn)
	}
	_, err := c.born(opener, other.BornOn.Russian())
	refusedWith(t, "another's slip", err, service.ReasonCandidateOther)
	_, err = c.Accept(t.Context(), service.AcceptInput{TelegramID: 72, Token: token})
	refusedWith(t, "the link after a wrong answer", err, "")
	_, err = c.Actor(t.Context(), opener)
	refusedWith(t, "a seat before the answer", err, service.ReasonNotFound)
	if c.linkedTo(own) != 0 || c.linkedTo(other) != 0 {
		t.Error("linked by a wrong answer")
	}
	in, err := c.born(72, " "+own.BornOn.Russian()+" ")
	if err != nil || in.Application == nil || in.Application.ID != own.ID || in.Already || c.linkedTo(own) != in.Actor.PersonID {
		t.Errorf("right: %+v, %v", in, err)
	}
	_, err = c.born(72, own.BornOn.Russian())
	refusedWith(t, "twice", err, service.ReasonInvitationInvalid)
	_, err = c.born(opener, own.BornOn.Russian())
	refusedWith(t, "who came late", err, service.ReasonInvitationInvalid)
	again, err := c.Accept(t.Context(), service.AcceptInput{TelegramID: 72, Token: token})
	if err != nil || !again.Already || again.Asked {
		t.Errorf("the own link once more: %+v, %v", again, err)
	}
}

func TestADayOfBirthIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"05.03.1990", "5.3.1990", " 05.03.1990. ", "05/03/1990", "5/3/1990", "05-03-1990", "05 03 1990", "05,03,1990", "05. 03. 1990",
		"1990-03-05", "1990/3/5", "1990年3月5日",
	} {
		if got, err := service.ReadBorn(text); err != nil || got != service.NewDay(1990, 3, 5) {
			t.Errorf("%q is read as %v, %v", text, got, err)
		}
	}
}

func TestTheLinkThatWasOpenedLastIsTheOneThatOpens(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	list := c.applications(c.exam(2, daysApart))
	c.opened(list[0])
	c.opened(list[1])
	_, err := c.born(opener, list[0].BornOn.Russian())
	refusedWith(t, "the first one's day", err, service.ReasonCandidateOther)
	in, err := c.born(opener, list[1].BornOn.Russian())
	if err != nil || in.Application.ID != list[1].ID || c.linkedTo(list[0]) != 0 {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestALinkThatEndsBeforeTheAnswerOpensNothing(t *testing.T) {
	t.Parallel()
	right := service.NewDay(1990, 3, 5).Russian()
	for name, tt := range map[string]struct {
		meanwhile func(ctx context.Context, c *center, a service.Application, token string) error
		want      service.Reason
	}{
		"nothing happens": {func(context.Context, *center, service.Application, string) error { return nil }, ""},
		"it expires":      {func(context.Context, *center, service.Application, string) error { return nil }, service.ReasonInvitationInvalid},
		"another person answers": {func(_ context.Context, c *center, _ service.Application, token string) error {
			_, err := c.arrives(service.AcceptInput{TelegramID: 72, Token: token})
			return err
		}, service.ReasonInvitationInvalid},
		"another person finds the application by telephone": {func(ctx context.Context, c *center, a service.Application, _ string) error {
			return c.found(ctx, a, 72)
		}, service.ReasonInvitationInvalid},
		"it is linked and taken away again": {func(ctx context.Context, c *center, a service.Application, token string) error {
			if _, err := c.arrives(service.AcceptInput{TelegramID: 72, Token: token}); err != nil {
				return err
			}
			now, err := c.store.Application(ctx, service.System, a.ID)
			if err != nil {
				return err
			}
			_, err = c.candidates().Unlink(ctx, c.anna, a.ID, now.Revision)
			return err
		}, service.ReasonInvitationInvalid},
		"the person cancels": {func(ctx context.Context, c *center, _ service.Application, _ string) error {
			return c.candidates().CancelClaim(ctx, opener)
		}, service.ReasonInvitationInvalid},
		"the person looks for an application by telephone": {func(ctx context.Context, c *center, _ service.Application, _ string) error {
			return c.candidates().BeginClaim(ctx, opener)
		}, service.ReasonInvitationInvalid},
		"a day passes": {func(_ context.Context, c *center, _ service.Application, _ string) error {
			c.wait(25 * time.Hour)
			return nil
		}, service.ReasonInvitationInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t)
			a := c.applications(c.exam(1, daysApart, func(_ int, a *service.Application) { a.Phone = "998900000001" }))[0]
			token := c.opened(a)
			if name == "it expires" {
				if _, err := c.store.Bun().NewRaw(`UPDATE invitations SET expires_at = ?`, c.now()).Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.meanwhile(t.Context(), c, a, token); err != nil {
				t.Fatal(err)
			}
			before := c.linkedTo(a)
			in, err := c.born(opener, right)
			refusedWith(t, name, err, tt.want)
			switch after := c.linkedTo(a); {
			case tt.want != "" && after != before:
				t.Errorf("linked to %d, was %d", after, before)
			case tt.want == "" && (in == nil || after != in.Actor.PersonID):
				t.Errorf("linked to %d: %+v", after, in)
			}
		})
	}
}

// found links an application by a claim.
func (c *center) found(ctx context.Context, a service.Application, telegramID int64) error {
	s := c.candidates()
	if err := s.ClaimPhone(ctx, service.ClaimContact{TelegramID: telegramID, OwnerID: telegramID, Phone: a.Phone}); err != nil {
		return err
	}
	if err := s.ClaimBorn(ctx, telegramID, a.BornOn.Russian()); err != nil {
		return err
	}
	_, err := s.ClaimDigits(ctx, service.ClaimInput{TelegramID: telegramID, Digits: a.IdentityDocument[len(a.IdentityDocument)-4:]})
	return err
}

func TestWhoFoundTheApplicationThemselvesIsLetInByItsLink(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	a := c.applications(c.exam(1, daysApart, func(_ int, a *service.Application) { a.Phone = "998900000001" }))[0]
	token := c.opened(a)
	if err := c.found(t.Context(), a, opener); err != nil {
		t.Fatal(err)
	}
	in, err := c.Accept(t.Context(), service.AcceptInput{TelegramID: opener, Token: token})
	if err != nil || !in.Already || in.Asked {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestWrongDaysOfBirthAreBoundedAsWrongClaimsAre(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	list := c.applications(c.exam(2, daysApart))
	c.opened(list[0])
	for n := range 5 {
		wrong := service.NewDay(1980, 1, 1+n).Russian()
		_, err := c.born(opener, wrong)
		refusedWith(t, "wrong", err, service.ReasonCandidateOther)
		if n < 4 {
			_, err = c.born(opener, wrong)
			refusedWith(t, "wrong, and said again, which is no new try", err, service.ReasonCandidateOther)
		}
	}
	_, err := c.born(opener, list[0].BornOn.Russian())
	refusedWith(t, "right, too late", err, service.ReasonCandidateSlow)
	if hours := service.AsError(err).Data; hours != 1 {
		t.Errorf("told to wait %v hours", hours)
	}
	c.opened(list[1]) // another link is no way around
	_, err = c.born(opener, list[1].BornOn.Russian())
	refusedWith(t, "another link", err, service.ReasonCandidateSlow)
	if err := c.found(t.Context(), list[0], opener); service.ReasonOf(err) != service.ReasonCandidateSlow {
		t.Errorf("by telephone: %v", err)
	}
	c.opened(list[0])
	c.wait(time.Hour + time.Minute)
	if _, err := c.born(opener, list[0].BornOn.Russian()); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestOwnApplicationsFoundOnceMoreGiveNoNewTries(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	list := c.applications(c.exam(2, daysApart, func(_ int, a *service.Application) { a.Phone = "998900000001" }))
	if err := c.found(t.Context(), list[1], opener); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		c.opened(list[0])
		_, err := c.born(opener, "01.01.1980")
		refusedWith(t, "wrong", err, service.ReasonCandidateOther)
		if err := c.found(t.Context(), list[1], opener); service.AsError(err).Kind == service.Internal && err != nil {
			t.Fatal(err)
		}
	}
	c.opened(list[0])
	_, err := c.born(opener, list[0].BornOn.Russian())
	refusedWith(t, "after five wrong days", err, service.ReasonCandidateSlow)
}

// linksEnded counts the steps of an application that concern its links, and the
// notices about them.
func (c *center) linksEnded(a service.Application) (wrong, ended, notices int) {
	c.t.Helper()
	err := c.store.Bun().NewRaw(`SELECT count(*) FILTER (WHERE event = 'wrong_born'), count(*) FILTER (WHERE event = 'end_links'),
		(SELECT count(*) FROM notices WHERE kind = 'candidate_links_ended') FROM history WHERE subject = 'application' AND subject_id = ?`,
		a.ID).Scan(c.t.Context(), &wrong, &ended, &notices)
	if err != nil {
		c.t.Fatal(err)
	}
	return wrong, ended, notices
}

func TestTheLinksOfAnApplicationEndWhenManyPeopleGuess(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	s := c.candidates()
	list := c.applications(c.exam(2, daysApart))
	own := list[0]
	slip, _, err := s.Invite(t.Context(), c.anna, own.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	token := c.opened(own)
	const guessers = 14
	for who := range int64(guessers) {
		if _, err := c.Accept(t.Context(), service.AcceptInput{TelegramID: 100 + who, Token: token}); err != nil {
			t.Fatal(err)
		}
	}
	reasons := make([]service.Reason, guessers)
	var all sync.WaitGroup
	for who := range int64(guessers) {
		all.Go(func() {
			_, err := s.ClaimLink(t.Context(), service.ClaimLinkInput{TelegramID: 100 + who, Text: "01.01.1980"})
			reasons[who] = service.ReasonOf(err)
		})
	}
	all.Wait()
	count := map[service.Reason]int{}
	for _, r := range reasons {
		count[r]++
	}
	// The tenth ends the links; who comes later opens none.
	if diff := cmp.Diff(map[service.Reason]int{service.ReasonCandidateOther: 9, service.ReasonInvitationInvalid: 5}, count); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if wrong, ended, notices := c.linksEnded(own); wrong != 10 || ended != 1 || notices != 2 { // Anna and Boris
		t.Errorf("%d wrong, %d ended, %d notices", wrong, ended, notices)
	}
	for name, token := range map[string]string{"the link": token, "an older slip": slip} {
		_, err := c.Accept(t.Context(), service.AcceptInput{TelegramID: 200, Token: token})
		refusedWith(t, name, err, service.ReasonInvitationInvalid)
	}
	_, err = c.born(opener, own.BornOn.Russian())
	refusedWith(t, "who opened it before", err, service.ReasonInvitationInvalid)
	c.opened(own) // staff give a new one
	_, err = c.born(opener, "01.01.1980")
	refusedWith(t, "the new one is counted anew", err, service.ReasonCandidateOther)
	if in, err := c.born(opener, own.BornOn.Russian()); err != nil || in.Application.ID != own.ID {
		t.Errorf("the new one: %+v, %v", in, err)
	}
	if wrong, ended, _ := c.linksEnded(list[1]); wrong != 0 || ended != 0 {
		t.Errorf("another application: %d wrong, %d ended", wrong, ended)
	}
}

func TestWhoKnowsTheDayOfBirthStartsTheCountAnew(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	a := c.applications(c.exam(1, daysApart))[0]
	guess := func(first int64) {
		t.Helper()
		token := c.opened(a)
		for who := range int64(9) {
			if _, err := c.Accept(t.Context(), service.AcceptInput{TelegramID: first + who, Token: token}); err != nil {
				t.Fatal(err)
			}
			_, err := c.born(first+who, "01.01.1980")
			refusedWith(t, "wrong", err, service.ReasonCandidateOther)
		}
	}
	guess(100)
	if _, err := c.born(opener, a.BornOn.Russian()); err != nil {
		t.Fatal(err)
	}
	now := c.applications(c.current(&service.Exam{ID: a.ExamID}))[0]
	if _, err := c.candidates().Unlink(t.Context(), c.anna, a.ID, now.Revision); err != nil {
		t.Fatal(err)
	}
	guess(200)
	if wrong, ended, notices := c.linksEnded(a); wrong != 18 || ended != 0 || notices != 0 {
		t.Errorf("%d wrong, %d ended, %d notices", wrong, ended, notices)
	}
}

func TestASlipOpensToTheDayOfBirthAsItWasMended(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	row := applicationCells("1", "А")
	c.load(c.anna, workbook(t, examsTab(examCells("1")), applicationsTab(row)))
	a := c.allApplications()[0]
	c.opened(a)
	_, err := c.born(opener, "02.02.1990")
	refusedWith(t, "the day of the document", err, service.ReasonCandidateOther)
	c.load(c.anna, workbook(t, applicationsTab(with(row, 9, "02.02.1990"))))
	_, err = c.born(opener, a.BornOn.Russian())
	refusedWith(t, "the day as it was", err, service.ReasonCandidateOther)
	if _, err := c.born(opener, "02.02.1990"); err != nil {
		t.Errorf("the day as it is: %v", err)
	}
}

// twin gives every application one day of birth.
func twin(_ int, a *service.Application) { a.BornOn = service.NewDay(1985, 5, 9) }

func TestALinkAsksForTheDocumentWhereTheDayOfBirthIsTooLittle(t *testing.T) {
	t.Parallel()
	bare := func(_ int, a *service.Application) { a.IdentityDocument = "" }
	for name, tt := range map[string]struct {
		fill func(n int, a *service.Application) // of the application
		also func(c *center)                     // what else there is
		want service.LinkAsks
	}{
		"nobody else was born that day": {twin, func(c *center) { c.exam(3, daysApart) }, service.LinkAsks{}},
		"another candidate of the exam": {twin, func(c *center) {
			c.exec(`INSERT INTO applications (number, exam_id, level, last_name, first_name, born_on, identity_document, revision)
				SELECT 'twin', exam_id, level, last_name, 'Вали', born_on, 'FA 7654321', 1 FROM applications WHERE number = 'Э-1-001'`)
		}, service.LinkAsks{Digits: true}},
		"a candidate of another exam, years ago": {twin, func(c *center) {
			e := c.exam(1, twin, func(_ int, a *service.Application) { a.IdentityDocument = "FA 7654321" })
			c.exec(`UPDATE exams SET held_on = '2019-02-24' WHERE id = ?`, e.ID)
		}, service.LinkAsks{Digits: true}},
		"another candidate without a document": {twin, func(c *center) { c.exam(1, twin, bare) }, service.LinkAsks{Digits: true}},
		"a candidate of another center": {twin, func(c *center) {
			c.examOf(c.house.org(service.OrgCenter, "Третий центр").ID, 1, twin, func(_ int, a *service.Application) { a.IdentityDocument = "FA 7654321" })
		}, service.LinkAsks{}},
		"the same person, who sits again": {twin, func(c *center) { c.exam(1, twin) }, service.LinkAsks{}},
		"the first of January":            {func(_ int, a *service.Application) { a.BornOn = service.NewDay(1985, 1, 1) }, func(*center) {}, service.LinkAsks{Digits: true}},
		"nobody else, and no document":    {func(n int, a *service.Application) { twin(n, a); bare(n, a) }, func(*center) {}, service.LinkAsks{}},
		"another candidate, and no document": {func(n int, a *service.Application) { twin(n, a); bare(n, a) }, func(c *center) {
			c.exam(1, twin)
		}, service.LinkAsks{Unguarded: true}},
		"another candidate, and too short a document": {func(n int, a *service.Application) { twin(n, a); a.IdentityDocument = "FA 123" }, func(c *center) {
			c.exam(1, twin)
		}, service.LinkAsks{Unguarded: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t)
			a := c.applications(c.exam(1, tt.fill))[0]
			tt.also(c)
			asks, err := c.candidates().Asks(t.Context(), &a)
			if diff := cmp.Diff(tt.want, asks); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			unguarded, err := c.candidates().Unguarded(t.Context(), c.anna, a.ExamID)
			if len(unguarded) == 1 != tt.want.Unguarded || err != nil {
				t.Errorf("told to staff: %v, %v", unguarded, err)
			}
			c.opened(a)
			in, err := c.born(opener, a.BornOn.Russian())
			if err != nil || in.Asked != tt.want.Digits || c.linkedTo(a) == 0 != tt.want.Digits {
				t.Fatalf("%+v, linked to %d, %v", in, c.linkedTo(a), err)
			}
			if !tt.want.Digits {
				return
			}
			in, err = c.digits(a.IdentityDocument[len(a.IdentityDocument)-4:])
			if err != nil || in.Asked || c.linkedTo(a) != in.Actor.PersonID {
				t.Errorf("both answers: %+v, linked to %d, %v", in, c.linkedTo(a), err)
			}
		})
	}
}

func TestOfTwoAnswersItIsNotToldWhichWasWrong(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	list := c.applications(c.exam(2, twin))
	own, other := list[0], list[1]
	end := func(a service.Application) string { return a.IdentityDocument[len(a.IdentityDocument)-4:] }
	c.opened(own)
	right := own.BornOn.Russian()
	_, err := c.digits(end(own))
	refusedWith(t, "the digits before the day", err, service.ReasonInvitationInvalid)
	for n, answers := range [][2]string{{right, end(other)}, {"01.01.1980", end(own)}, {"01.01.1980", "0000"}} {
		in, err := c.born(opener, answers[0])
		if err != nil || !in.Asked {
			t.Fatalf("%v, the day: %+v, %v", answers, in, err)
		}
		for _, text := range []string{"", "123", "12345", "FA 1", right} {
			_, err := c.digits(text)
			refusedWith(t, text, err, service.ReasonCandidateDigits)
		}
		_, err = c.digits(answers[1])
		refusedWith(t, answers[0]+", "+answers[1], err, service.ReasonCandidateNotBoth)
		_, err = c.candidates().ClaimLink(t.Context(), service.ClaimLinkInput{TelegramID: opener, Text: answers[1], Again: true})
		refusedWith(t, "its message once more", err, service.ReasonCandidateNotBoth)
		if wrong, _, _ := c.linksEnded(own); wrong != n+1 {
			t.Errorf("%d wrong answers in the history", wrong)
		}
	}
	if c.linkedTo(own) != 0 || c.linkedTo(other) != 0 {
		t.Fatal("linked by a wrong answer")
	}
	for range 2 { // the fourth and the fifth
		if _, err := c.born(opener, right); err != nil {
			t.Fatal(err)
		}
		_, err = c.digits("0000")
		refusedWith(t, "wrong", err, service.ReasonCandidateNotBoth)
	}
	_, err = c.born(opener, right)
	refusedWith(t, "right, too late", err, service.ReasonCandidateSlow)
	c.wait(time.Hour + time.Minute)
	if _, err := c.born(opener, right); err != nil {
		t.Fatal(err)
	}
	if in, err := c.digits(end(own)); err != nil || c.linkedTo(own) != in.Actor.PersonID || c.linkedTo(other) != 0 {
		t.Errorf("after the wait: %+v, %v", in, err)
	}
}

func TestStaffAreNotLetInByTheLinkOfACandidate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		seat func(c *center) service.Seat
		want service.Reason
	}{
		"an employee of the center": {func(c *center) service.Seat { return service.Seat{Role: service.RoleCenterStaff, OrgID: c.org.ID} }, service.ReasonCandidateStaff},
		"an admin":                  {func(*center) service.Seat { return service.Seat{Role: service.RoleAdmin} }, service.ReasonCandidateStaff},
		"an operator's representative": {func(c *center) service.Seat {
			return service.Seat{Role: service.RoleOperatorRep, OrgID: c.house.org(service.OrgOperator, "Оператор").ID}
		}, service.ReasonCandidateStaff},
		"an employee of another center": {func(c *center) service.Seat {
			return service.Seat{Role: service.RoleCenterStaff, OrgID: c.house.org(service.OrgCenter, "Третий центр").ID}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t)
			list := c.applications(c.exam(2, daysApart))
			seat := tt.seat(c)
			staff := c.link(c.admin, seat, "Вера Новая")
			token := c.opened(list[0]) // before there is a seat
			c.enter(opener, staff)
			_, err := c.born(opener, list[0].BornOn.Russian())
			refusedWith(t, "the answer", err, tt.want)
			second, _, err := c.candidates().Invite(t.Context(), c.anna, list[1].ID, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Accept(t.Context(), service.AcceptInput{TelegramID: opener, Token: second})
			refusedWith(t, "the link", err, tt.want)
			if tt.want == "" {
				return
			}
			if c.linkedTo(list[0]) != 0 || c.linkedTo(list[1]) != 0 {
				t.Fatal("linked")
			}
			for n, token := range []string{token, second} { // neither is used up
				in, err := c.arrives(service.AcceptInput{TelegramID: 72, Token: token})
				if err != nil || in.Application.ID != list[n].ID {
					t.Errorf("the candidate: %+v, %v", in, err)
				}
			}
		})
	}
}
