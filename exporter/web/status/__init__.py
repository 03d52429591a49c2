"""The status page at ``/``: what needs attention, money by currency, accounts and projects."""
