"""How large the map is: its drift, and metres by the depth model or the camera's height."""
