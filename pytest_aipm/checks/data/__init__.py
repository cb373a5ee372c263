"""Are the rows clean, sufficient, representative and lawfully held?"""
