"""The services of one installation: PostgreSQL, Airflow's processes, the issuance API, and for tries the fictional world.

Starting, watching and stopping processes lives here, and every setting of Airflow. What the services do does not.
"""
