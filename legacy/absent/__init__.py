"""Stand-ins for libraries that are not installed. `stub` holds the place of any module; the others do part
of the work.
"""
