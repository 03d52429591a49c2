"""The smallest configurations."""

ONE = "accounts: [{user_id: 123456, api_token: worthless}]\n"
TWO = """\
accounts:
  - {name: main, user_id: 1, api_token: worthless}
  - {name: paper, user_id: 2, api_token: worthless}
"""
