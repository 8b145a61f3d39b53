package main

import (
	"context"
	"fmt"

	"flowbot/service"
)

type inviteCommand struct {
	Role        string `required:"" enum:"admin,partner_rep,operator_rep,center_staff,candidate" help:"admin, partner_rep, operator_rep, center_staff or candidate."`
	Org         int64  `help:"The organisation's id; admins have none."`
	Name        string `help:"Whom the invitation is for."`
	Application string `help:"A candidate's application, by its number; the link opens to the day of birth in it."`
}

// Run prints the link.
func (c *inviteCommand) Run(ctx context.Context, p *program) error {
	role := service.Role(c.Role)
	switch {
	case role == service.RoleCandidate && c.Application == "":
		return usageError("a candidate is invited with --application NUMBER")
	case role == service.RoleCandidate && c.Org != 0:
		return usageError("--org does not go with --role candidate")
	case role == service.RoleCandidate:
	case c.Application != "":
		return usageError("--application goes with --role candidate")
	case c.Name == "":
		return usageError("missing flags: --name=STRING")
	}
	return p.with(ctx, func(i *installation) error {
		token, err := c.invite(ctx, i, role)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.out, i.linkOf(ctx, token))
		return err
	})
}

// invite makes the link's token. A candidate is called as the application calls
// them, whatever --name says.
func (c *inviteCommand) invite(ctx context.Context, i *installation, role service.Role) (string, error) {
	if role == service.RoleCandidate {
		token, err := i.candidates.InviteByNumber(ctx, service.CommandLine, c.Application)
		if err != nil && service.AsError(err).Kind == service.NotFound {
			return "", fmt.Errorf("no application %s", c.Application)
		}
		return token, err
	}
	token, _, err := i.people.Invite(ctx, service.CommandLine, service.Seat{Role: role, OrgID: c.Org}, c.Name)
	return token, err
}
